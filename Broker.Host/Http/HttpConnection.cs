using System.Net;
using Broker.AspNetCore;
using Broker.AspNetCore.Streams;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;

namespace Broker.Host.Http;

/// <summary>One of <see cref="HttpConnections"/>, which changes it.</summary>
internal sealed class HttpConnection : IDisposable, IHttpStreamFeature
{
    /// <summary>The key in a connection's items that says that its file descriptor is of the reserve.</summary>
    internal static readonly object SpareKey = new();

    private const string AllBusy = "All HTTP connections (broker.http.connections-max) are busy.\n";
    private const string NoDescriptors = "The server has no file descriptor for one more connection now.\n";

    // How much later Kestrel learns that the client has ended its side.
    private static readonly TimeSpan s_afterEnd = TimeSpan.FromSeconds(5);

    private readonly HttpConnections _all;
    private readonly ConnectionContext? _context;
    private readonly PeerEnd? _end;

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
        IsSpare = context.Items.ContainsKey(SpareKey);
        context.Items[typeof(HttpConnection)] = this;
        context.Features.Set<IHttpStreamFeature>(this);
        _end = new PeerEnd(context, s_afterEnd);
    }

    /// <summary>Whose share it counts for.</summary>
    internal IPAddress Address { get; }

    /// <summary>Requests that run.</summary>
    internal int Requests { get; set; }

    /// <summary>Requests of the hub that run.</summary>
    internal int WebSockets { get; set; }

    /// <summary>Whether it counts.</summary>
    internal bool IsCounted { get; set; }

    /// <summary>Whether its file descriptor is of the reserve: only probes are answered on it, and it is closed then.</summary>
    internal bool IsSpare { get; init; }

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
            if (IsSpare && !HttpProtocol.IsHttp2(context.Request.Protocol)) context.Response.Headers.Connection = "close";
            if (hasRoom || HttpConnections.IsAnsweredWhenFull(context.Request.Path)) await answer(context).ConfigureAwait(false);
            else await RefuseAsync(context, IsSpare ? NoDescriptors : AllBusy).ConfigureAwait(false);
        }
        finally
        {
            _all.End(this);
        }
    }

    /// <summary>Answers a request of the hub.</summary>
    internal async Task OpenAsync(HttpContext context, RequestDelegate answer)
    {
        if (IsSpare)
        {
            await RefuseAsync(context, NoDescriptors).ConfigureAwait(false);
            return;
        }

        _all.BeginWebSocket(this);
        try
        {
            await answer(context).ConfigureAwait(false);
        }
        finally
        {
            _all.EndWebSocket(this);
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
            _end!.Ended.UnsafeRegister(static state => ((TaskCompletionSource)state!).TrySetResult(), ended);
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
    public void Dispose() => _end?.Dispose();

    private static Task RefuseAsync(HttpContext context, string reason)
    {
        HttpResponse response = context.Response;
        response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        response.Headers.RetryAfter = "1";
        response.Headers.CacheControl = "no-store";
        response.ContentType = "text/plain; charset=utf-8";
        if (!HttpProtocol.IsHttp2(context.Request.Protocol)) response.Headers.Connection = "close";
        return response.WriteAsync(reason);
    }

    private sealed class OpenStream(HttpConnection connection) : IDisposable
    {
        public void Dispose() => connection._all.EndWebSocket(connection);
    }
}
