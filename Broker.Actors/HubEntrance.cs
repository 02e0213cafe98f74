using System.Net;
using Broker.Actors.Dialects;
using Broker.Core.Upgrade;
using Broker.Reactor.Loops;
using Broker.Reactor.Pipes;

namespace Broker.Actors;

/// <summary>
/// The way in for connections that another server has accepted: the same rules, limits and answers as on the hub's own port.
/// </summary>
/// <remarks>
/// From any thread. First <see cref="Check"/>, and of what it admitted, exactly one of <see cref="OpenAsync"/> and <see cref="Withdraw"/>.
/// </remarks>
public sealed class HubEntrance
{
    private readonly Hub _hub;
    private readonly HubAcceptor _acceptor;
    private readonly EventLoop[] _loops;
    private int _next;

    internal HubEntrance(Hub hub, HubAcceptor acceptor, EventLoop[] loops)
    {
        _hub = hub;
        _acceptor = acceptor;
        _loops = loops;
        Paths = new HashSet<string>(acceptor.Paths, StringComparer.Ordinal);
    }

    /// <summary>The paths at which connections are opened, and those to which messages are posted.</summary>
    public IReadOnlyCollection<string> Paths { get; }

    /// <summary>The endpoint at which a request of HTTP opens a stream; null where the path has none.</summary>
    public HttpStreamEndpoint? FindStream(string path) => _acceptor.Find(path) as HttpStreamEndpoint;

    /// <summary>The endpoint to which messages are posted; null where the path has none.</summary>
    public MessageEndpoint? FindMessages(string path) => _acceptor.FindMessages(path);

    /// <summary>Bounds that the hub's own port has, for a server that keeps them too.</summary>
    public ReactorSettings Bounds => _loops[0].Settings;

    /// <summary>Which peers are proxies and believed when they say who the client is.</summary>
    public ProxyTrust Proxies => _acceptor.Proxies;

    /// <summary>Decides whether a request may open a connection; if so, it is counted as open already.</summary>
    /// <param name="request">A well-formed request.</param>
    /// <param name="endpointPath">The path of the endpoint that it is for, wherever the application has mapped that.</param>
    /// <param name="isConnect">Whether it is an extended CONNECT of HTTP/2, and no upgrade.</param>
    /// <param name="opening">What was agreed, where nothing is refused.</param>
    /// <param name="peer">Who has connected, so that new connections of one address can be limited; null where they are not.</param>
    /// <returns>Why not, or <c>null</c>.</returns>
    public UpgradeFault? Check(
        UpgradeRequest request, string endpointPath, bool isConnect, out CarriedOpening? opening, IPEndPoint? peer = null)
    {
        ArgumentNullException.ThrowIfNull(request);
        opening = null;
        if (!_hub.IsReady) return NotReady;
        if (_acceptor.Find(endpointPath) is not WebSocketEndpoint endpoint)
            return new UpgradeFault(404, "No WebSocket is served at this path.");

        UpgradeFault? broken =
            isConnect ? UpgradeRules.CheckConnect(request, endpoint.Origins) : UpgradeRules.Check(request, endpoint.Origins);
        if (broken is not null) return broken;
        if (endpoint.Subprotocols.Check(request, out ChosenSubprotocol chosen) is { } unmatched)
        {
            // Over HTTP/2 others answer as if the path were not there for that subprotocol, and clients know it so.
            return isConnect ? unmatched with { Status = 404 } : unmatched;
        }

        if (new CarriedOpening(endpoint, chosen, request).AgreeOnExtensions(out CarriedOpening agreed) is { } malformed) return malformed;
        IDisposable? place = null;
        if (peer is not null && _acceptor.CheckConnect(ClientOf(request, peer).Address, out place) is { } limited) return limited;
        if (CheckRoom(place) is { } full) return full;

        opening = agreed with { Place = place };
        return null;
    }

    /// <summary>Decides whether a request that asks for a stream may open it; if so, it is counted as open already.</summary>
    /// <param name="request">A well-formed request whose origin has been checked.</param>
    /// <param name="endpoint">The endpoint that it is for.</param>
    /// <param name="subprotocol">What is used.</param>
    /// <param name="opening">What is opened, where nothing is refused.</param>
    /// <param name="peer">Who has connected, so that new connections of one address can be limited.</param>
    /// <returns>Why not, or <c>null</c>.</returns>
    public UpgradeFault? CheckStream(
        UpgradeRequest request, HttpStreamEndpoint endpoint, string subprotocol, out CarriedOpening? opening, IPEndPoint peer)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(endpoint);
        opening = null;
        if (!_hub.IsReady) return NotReady;
        if (_acceptor.CheckConnect(ClientOf(request, peer).Address, out IDisposable? place) is { } limited) return limited;
        if (CheckRoom(place) is { } full) return full;
        opening = new CarriedOpening(endpoint, new ChosenSubprotocol(subprotocol, Answered: null), request) { Place = place };
        return null;
    }

    private static UpgradeFault NotReady => new(503, "The server is starting or stopping.") { RetryAfter = TimeSpan.FromSeconds(1) };

    private UpgradeFault? CheckRoom(IDisposable? place)
    {
        if (_acceptor.MayOpen(out TimeSpan retryAfter)) return null;
        place?.Dispose();
        return new UpgradeFault(503, "The server takes no more connections now.") { RetryAfter = retryAfter };
    }

    /// <summary>The client that sent a request: its peer, or the one that is behind it if the peer is a proxy that is believed.</summary>
    public IPEndPoint ClientOf(UpgradeRequest request, IPEndPoint peer) => ForwardedRoute.ClientOf(request, peer, _acceptor.Proxies);

    /// <summary>Opens the connection, on the next loop of the round.</summary>
    /// <param name="opening">As <see cref="Check"/> gave it.</param>
    /// <param name="carrier">What carries its bytes; the hub's until the end.</param>
    /// <returns>Done when the connection has ended and the carrier is no longer used.</returns>
    public async Task OpenAsync(CarriedOpening opening, ICarrier carrier)
    {
        EventLoop loop = _loops[(uint)Interlocked.Increment(ref _next) % (uint)_loops.Length];
        if (!await loop.AdoptAsync(carrier, opening).ConfigureAwait(false)) Withdraw(opening);
    }

    /// <summary>A request opens no connection.</summary>
    /// <param name="fault">As it is answered.</param>
    public void CountRefusal(in UpgradeFault fault) => _hub.Counters.Handshakes.Add(fault.Status);

    /// <summary>A connection that was admitted does not open after all: its handshake could not be ended.</summary>
    /// <param name="opening">As <see cref="Check"/> gave it.</param>
    public void Withdraw(CarriedOpening opening)
    {
        ArgumentNullException.ThrowIfNull(opening);
        opening.Place?.Dispose();
        _hub.Counters.Withdraw();
    }
}
