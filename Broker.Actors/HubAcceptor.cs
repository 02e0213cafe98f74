using Broker.Actors.Metrics;
using Akka.Actor;
using Akka.Event;
using Broker.Actors.Dialects;
using Broker.Actors.Limits;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Actors.Streams;
using Broker.Core.Upgrade;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Actors;

/// <summary>What the loops ask about a new connection: which endpoint it is for, whether it may come in, who takes it.</summary>
/// <remarks>Asked by all loops at once; what it counts, it counts without a lock.</remarks>
internal sealed class HubAcceptor(HubSettings settings, HubCounters counters, DialectRegistry dialects) : IConnectionAcceptor
{
    private volatile Dictionary<string, ConnectionEndpoint> _endpoints =
        dialects.Endpoints.ToDictionary(static endpoint => endpoint.Path, StringComparer.Ordinal);
    private volatile Dictionary<string, MessageEndpoint> _messages =
        dialects.MessageEndpoints.ToDictionary(static endpoint => endpoint.Path, StringComparer.Ordinal);
    private readonly AddressPlaces _places =
        new(settings.Listen.AddressConnectionsMax,
            () => Math.Min(settings.Listen.ConnectionsMax, DescriptorReserve.OfProcess.ClientsMax), settings.Listen.Proxies.ToTrust(),
                counters.Limited);
    private readonly bool _sharesPlaces =
        !System.Net.IPAddress.IsLoopback(settings.Listen.Address) || settings.Listen.Proxies.ToTrust() is not
            { ProxyProtocol.IsEmpty: true, Forwarded.IsEmpty: true };
    private volatile HostRule _hosts = settings.Listen.HostsOn(settings.Listen.Address);

    public ProxyTrust Proxies { get; } = settings.Listen.Proxies.ToTrust();

    public HostRule Hosts => _hosts;

    /// <summary>Takes other origins and hosts. Connections that are open are not asked again.</summary>
    /// <param name="listen">What the settings say now.</param>
    internal void Apply(ListenSettings listen)
    {
        var origins = new OriginRule(listen.Origins);
        _endpoints = _endpoints.ToDictionary(pair => pair.Key, pair => pair.Value with { Origins = origins }, StringComparer.Ordinal);
        _messages = _messages.ToDictionary(pair => pair.Key, pair => pair.Value with { Origins = origins }, StringComparer.Ordinal);
        _hosts = listen.HostsOn(settings.Listen.Address);
    }

    /// <summary>The sessions of each loop; set before anything is accepted.</summary>
    internal IReadOnlyList<IActorRef> Sessions { get; set; } = [];

    /// <summary>The rates of clients; null where nothing is limited. Set before anything is accepted.</summary>
    internal ClientLimits? Limits { get; set; }

    /// <summary>Who answers plain HTTP; set before anything is accepted.</summary>
    internal Action<HandedOver>? PlainHttp { get; set; }

    /// <summary>One line a connection; set before anything is accepted.</summary>
    internal ILoggingAdapter Log { get; set; } = NoLogger.Instance;

    /// <summary>The paths at which connections are opened, and those to which messages are posted.</summary>
    internal IReadOnlyCollection<string> Paths => [.. _endpoints.Keys, .. _messages.Keys];

    // A loop opens WebSockets alone: what HTTP carries is handed over.
    public WebSocketEndpoint? Find(UpgradeRequest request) => Find(request.Path) as WebSocketEndpoint;

    internal ConnectionEndpoint? Find(string path) => _endpoints.GetValueOrDefault(path);

    internal MessageEndpoint? FindMessages(string path) => _messages.GetValueOrDefault(path);

    // What comes to loopback and through no known proxy comes from loopback, which has no share.
    public bool LimitsAddresses => Limits is { LimitsConnects: true } || _sharesPlaces;

    public UpgradeFault? CheckConnect(System.Net.IPAddress client, out IDisposable? place)
    {
        place = null;
        return Limits?.CheckConnect(client) ?? _places.TryTake(client, counters.Open, out place);
    }

    public bool MayOpen(out TimeSpan retryAfter)
    {
        // Spread, so that those who were turned away do not come back together.
        retryAfter = TimeSpan.FromSeconds(Random.Shared.Next(1, 6));
        return counters.TryOpen(settings.Listen.ConnectionsMax);
    }

    public bool TryHandOver(Func<HandedOver> take)
    {
        if (PlainHttp is not { } plainHttp) return false;
        plainHttp(take());
        return true;
    }

    public void Opened(Connection connection, UpgradeRequest request)
    {
        if (Log.IsDebugEnabled) Log.Debug("{0} opened: {1} from {2}", connection.Id, request.Path, connection.Remote);
        ReadOnlyMemory<byte>? first = (connection.Endpoint as WebSocketEndpoint)?.FirstMessage?.Invoke(request);
        Sessions[connection.Id.Loop].Tell(
            new SessionsActor.Opened(connection, UpgradeInfo.Of(request, settings.Clients.UpgradeHeaders), first), ActorRefs.NoSender);
    }

    public void Ended(Connection connection, Closure closure)
    {
        counters.Count(closure, wasOpen: connection.Endpoint is not null);
        if (Log.IsDebugEnabled) Log.Debug("{0} ended: {1}, {2} {3}", connection.Id, closure.Cause, (int)closure.Code, closure.Reason);
    }
}
