using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Broker.Host.Http;

/// <summary>One of <see cref="HttpConnections"/>, which changes it.</summary>
/// <remarks>
/// Kestrel ends a connection's output as soon as the client ends its sending side. A WebSocket client may do that right behind its Close frame, and
/// is owed the answer: so while a WebSocket is open, Kestrel learns of that end only once the hub has done with the connection. The hub reads the
/// end of the stream itself.
/// </remarks>
internal sealed class HttpConnection : IDisposable
{
    private readonly HttpConnections _all;
    private readonly ConnectionContext? _context;
    private readonly CancellationTokenSource _closed = new();
    private readonly CancellationTokenRegistration _registration;
    private readonly Lock _gate = new();
    private bool _peerEnded;
    private bool _holdsEnd;

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
        CancellationToken ended = context.ConnectionClosed;
        context.ConnectionClosed = _closed.Token;
        _registration = ended.UnsafeRegister(static state => ((HttpConnection)state!).OnPeerEnded(), this);
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

    /// <summary>The connection of a request, or null where nobody counts them.</summary>
    internal static HttpConnection? Of(HttpContext context) =>
        context.Features.Get<IConnectionItemsFeature>()?.Items is { } items && items.TryGetValue(typeof(HttpConnection), out object? found) ? (HttpConnection?)found : null;

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
        lock (_gate) _holdsEnd = true;
        try
        {
            await answer(context).ConfigureAwait(false);
        }
        finally
        {
            _all.EndWebSocket(this);
            if (WebSockets == 0) ReleaseEnd();
        }
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

    private void OnPeerEnded()
    {
        lock (_gate)
        {
            _peerEnded = true;
            if (_holdsEnd) return;
        }

        TellEnd();
    }

    private void ReleaseEnd()
    {
        lock (_gate)
        {
            _holdsEnd = false;
            if (!_peerEnded) return;
        }

        TellEnd();
    }

    private void TellEnd()
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
}
