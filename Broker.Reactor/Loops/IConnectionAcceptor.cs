using Broker.Core.Upgrade;

namespace Broker.Reactor.Loops;

/// <summary>Decides who may open a connection, and puts a handler above it. Every call comes on the loop's thread.</summary>
public interface IConnectionAcceptor
{
    /// <summary>Which peers are proxies and believed when they say who the client is; the same for the acceptor's whole life.</summary>
    ProxyTrust Proxies => ProxyTrust.None;

    /// <summary>Which names of this server a WebSocket's request may use; may change between two calls.</summary>
    HostRule Hosts => HostRule.Any;

    /// <summary>Finds the endpoint that a request is for.</summary>
    /// <returns>The endpoint; or none, when the path belongs to no endpoint.</returns>
    WebSocketEndpoint? Find(UpgradeRequest request);

    /// <summary>Whether <see cref="CheckConnect"/> is to be asked: the system has to be asked for a client's address.</summary>
    bool LimitsAddresses => false;

    /// <summary>Whether a client may open a connection now; asked before <see cref="MayOpen"/>.</summary>
    /// <param name="client">The client's address: that of its peer, or of who is behind it if the peer is a proxy that is believed.</param>
    /// <param name="place">What it has taken, to be disposed of when the connection has ended; null for nothing.</param>
    /// <returns>Why not, or <c>null</c>.</returns>
    UpgradeFault? CheckConnect(System.Net.IPAddress client, out IDisposable? place)
    {
        place = null;
        return null;
    }

    /// <summary>Whether one more connection may come in; if not, it is answered 503.</summary>
    /// <param name="retryAfter">How long the client should stay away.</param>
    bool MayOpen(out TimeSpan retryAfter);

    /// <summary>A request is not for any endpoint and asks for no upgrade. Who takes the socket owns it.</summary>
    /// <param name="take">Takes the socket out of the loop; called at most once, and only if the answer is true.</param>
    /// <returns>False if no one answers plain HTTP here; the request is then refused with 404.</returns>
    bool TryHandOver(Func<HandedOver> take);

    /// <summary>
    /// The handshake is done. Sooner or later call <see cref="Connection.Attach"/>; until then nothing is read.
    /// </summary>
    void Opened(Connection connection, UpgradeRequest request);

    /// <summary>A connection ended, at whatever stage; said exactly once for each that was accepted, for counting and logging.</summary>
    void Ended(Connection connection, Closure closure);
}
