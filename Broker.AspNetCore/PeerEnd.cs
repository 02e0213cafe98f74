using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;

namespace Broker.AspNetCore;

/// <summary>Lets a client that has ended its sending side still be answered on one connection of Kestrel's.</summary>
/// <remarks>
/// Kestrel ends a connection's output as soon as the client ends its sending side. A client may do that right behind its request or its
/// Close frame, and is owed the answer: so Kestrel learns of that end a moment later, and while a WebSocket is open only once the hub has
/// done with the connection. Who reads the connection finds the end of the stream itself.
/// </remarks>
public sealed class PeerEnd : IDisposable
{
    private readonly CancellationTokenSource _closed = new();       // What Kestrel sees.
    private readonly CancellationTokenSource _done = new();
    private readonly CancellationTokenRegistration _registration;
    private readonly TimeSpan _moment;
    private readonly Lock _gate = new();
    private int _webSockets;            // That are open.
    private bool _isLate;               // One was, when Kestrel was to learn of the end.

    /// <summary>Puts itself between a connection and Kestrel.</summary>
    /// <param name="context">The connection, before Kestrel reads from it.</param>
    /// <param name="moment">How much later Kestrel learns of the end of a connection without a WebSocket.</param>
    public PeerEnd(ConnectionContext context, TimeSpan moment)
    {
        ArgumentNullException.ThrowIfNull(context);
        _moment = moment;
        context.Items[typeof(PeerEnd)] = this;
        Ended = context.ConnectionClosed;
        context.ConnectionClosed = _closed.Token;
        _registration = Ended.UnsafeRegister(static state => _ = ((PeerEnd)state!).OnPeerEndedAsync(), this);
    }

    /// <summary>Fires as soon as the client has ended its side, or the connection has failed.</summary>
    public CancellationToken Ended { get; }

    /// <summary>That of a request's connection, or null where there is none.</summary>
    internal static PeerEnd? Of(HttpContext context) =>
        context.Features.Get<IConnectionItemsFeature>()?.Items is { } items && items.TryGetValue(typeof(PeerEnd), out object? found)
            ? (PeerEnd?)found : null;

    /// <summary>A WebSocket is about to be opened.</summary>
    internal void BeginWebSocket()
    {
        lock (_gate) _webSockets++;
    }

    /// <summary>It has ended.</summary>
    internal void EndWebSocket()
    {
        lock (_gate)
        {
            if (--_webSockets > 0 || !_isLate) return;
        }

        NotifyKestrel();
    }

    /// <summary>The connection has ended.</summary>
    public void Dispose()
    {
        _registration.Dispose();
        _done.Cancel();
        _done.Dispose();
        _closed.Dispose();
    }

    private async Task OnPeerEndedAsync()
    {
        await Task.Delay(_moment, _done.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        lock (_gate)
        {
            if (_webSockets > 0)
            {
                _isLate = true;
                return;
            }
        }

        NotifyKestrel();
    }

    private void NotifyKestrel()
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
