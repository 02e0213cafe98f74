using System.Net;
using Broker.AspNetCore.Streams;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Broker.Host.Http;

/// <summary>One of <see cref="HttpConnections"/>, which changes it.</summary>
/// <remarks>
/// Kestrel ends a connection's output as soon as the client ends its sending side. A client may do that right behind its request or its
/// Close frame, and is owed the answer: so Kestrel learns of that end a moment later, and while a WebSocket is open only once the hub has
/// done with the connection. Who reads the connection finds the end of the stream itself.
/// </remarks>
internal sealed class HttpConnection : IDisposable, IHttpStreamFeature
{
    private readonly HttpConnections _all;
    private readonly ConnectionContext? _context;
    private static readonly TimeSpan s_afterEnd = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _closed = new();       // What Kestrel sees.
    private readonly CancellationTokenSource _done = new();
    private readonly CancellationTokenRegistration _registration;
    private readonly CancellationToken _peerEnded;
    private readonly Lock _gate = new();
    private bool _isHubs;               // A WebSocket is open.
    private bool _isLate;               // It was, when Kestrel was to learn of the end.

    /// <summary>Puts itself between a connection and Kestrel.</summary>
    /// <param name="all">What it is one of.</param>
    /// <param name="context">The connection; null where a test needs none.</param>
    /// <param name="address">Whose share it counts for.</param>
    internal HttpConnection(HttpConnections all, ConnectionContext? context, IPAddress address)
    {
        _all = all;
        _context = context;
        Address = address;
        Node = new LinkedListNode<HttpConnection>(this);
        NodeInShare = new LinkedListNode<HttpConnection>(this);
        if (context is null) return;
        context.Items[typeof(HttpConnection)] = this;
        context.Features.Set<IHttpStreamFeature>(this);
        _peerEnded = context.ConnectionClosed;
        context.ConnectionClosed = _closed.Token;
        _registration = _peerEnded.UnsafeRegister(static state => _ = ((HttpConnection)state!).OnPeerEndedAsync(), this);
    }

    /// <summary>Whose share it counts for.</summary>
    internal IPAddress Address { get; }

    /// <summary>Requests that run.</summary>
    internal int Requests { get; set; }

    /// <summary>Requests of the hub that run.</summary>
    internal int WebSockets { get; set; }

    /// <summary>Whether it counts.</summary>
    internal bool IsCounted { get; set; }

    /// <summary>Whether it was closed to make room.</summary>
    internal bool IsShed { get; private set; }

    /// <summary>What its address has, while it counts.</summary>
    internal HttpConnections.AddressShare? Share { get; set; }

    /// <summary>Its place among all.</summary>
    internal LinkedListNode<HttpConnection> Node { get; }

    /// <summary>Its place among those of its address.</summary>
    internal LinkedListNode<HttpConnection> NodeInShare { get; }

    /// <summary>The connection of a request, or null where no one counts them.</summary>
    internal static HttpConnection? Of(HttpContext context) =>
        context.Features.Get<IConnectionItemsFeature>()?.Items is { } items && items.TryGetValue(typeof(HttpConnection), out object? found)
            ? (HttpConnection?)found : null;

    /// <summary>Answers a request of plain HTTP, or says that there is no room.</summary>
    internal async Task AnswerAsync(HttpContext context, RequestDelegate answer)
    {
        bool hasRoom = _all.Begin(this);
        try
        {
            if (hasRoom || HttpConnections.IsAnsweredWhenFull(context.Request.Path)) await answer(context).ConfigureAwait(false);
            else await RefuseAsync(context).ConfigureAwait(false);
        }
        finally
        {
            _all.End(this);
        }
    }

    /// <summary>Answers a request of the hub.</summary>
    internal async Task OpenAsync(HttpContext context, RequestDelegate answer)
    {
        _all.BeginWebSocket(this);
        lock (_gate) _isHubs = true;
        try
        {
            await answer(context).ConfigureAwait(false);
        }
        finally
        {
            _all.EndWebSocket(this);
            if (WebSockets == 0) EndHubs();
        }
    }

    /// <inheritdoc />
    public IDisposable BeginStream()
    {
        _all.BeginWebSocket(this);
        return new OpenStream(this);
    }

    /// <inheritdoc />
    public async Task WaitForPeerEndAsync(CancellationToken cancellationToken)
    {
        if (_context is HandedOverConnection handedOver)
        {
            await handedOver.WaitForPeerEndAsync(cancellationToken).ConfigureAwait(false);
            return;
        }

        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration =
            _peerEnded.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), ended);
        await ended.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Closes it, to make room.</summary>
    internal void Shed()
    {
        IsShed = true;
        _context?.Abort(new ConnectionAbortedException("The connection is closed to make room for another."));
    }

    /// <summary>Takes it out of all lists.</summary>
    internal void Unlink()
    {
        Node.List?.Remove(Node);
        NodeInShare.List?.Remove(NodeInShare);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _registration.Dispose();
        _done.Cancel();
        _done.Dispose();
        _closed.Dispose();
    }

    private static Task RefuseAsync(HttpContext context)
    {
        HttpResponse response = context.Response;
        response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        response.Headers.RetryAfter = "1";
        response.Headers.CacheControl = "no-store";
        response.ContentType = "text/plain; charset=utf-8";
        if (!HttpProtocol.IsHttp2(context.Request.Protocol)) response.Headers.Connection = "close";
        return response.WriteAsync("All HTTP connections (broker.http.connections-max) are busy.\n");
    }

    private async Task OnPeerEndedAsync()
    {
        await Task.Delay(s_afterEnd, _done.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_gate)
        {
            if (_isHubs)
            {
                _isLate = true;
                return;
            }
        }

        ReportEnd();
    }

    private void EndHubs()
    {
        lock (_gate)
        {
            _isHubs = false;
            if (!_isLate) return;
        }

        ReportEnd();
    }

    private void ReportEnd()
    {
        try
        {
            _ = _closed.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // Kestrel has ended it meanwhile.
        }
    }

    private sealed class OpenStream(HttpConnection connection) : IDisposable
    {
        public void Dispose() => connection._all.EndWebSocket(connection);
    }
}
