using Akka.Actor;
using Akka.Event;
using Broker.Actors.Native;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Core.Centrifuge;
using Broker.Core.Deflate;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;
using Broker.Core.Upgrade;
using Broker.Reactor.Loops;

namespace Broker.Actors;

/// <summary>What the loops ask about a new connection: which endpoint it is for, whether it may come in, who takes it.</summary>
/// <remarks>Asked by all loops at once; what it counts, it counts without a lock.</remarks>
internal sealed class HubAcceptor(HubSettings settings, HubCounters counters) : IConnectionAcceptor
{
    private readonly Dictionary<string, WebSocketEndpoint> _endpoints = EndpointsOf(settings);

    public ProxyTrust Proxies { get; } = TrustOf(settings.Listen.Proxies);

    /// <summary>The sessions of each loop; set before anything is accepted.</summary>
    internal IReadOnlyList<IActorRef> Sessions { get; set; } = [];

    /// <summary>Who answers plain HTTP; set before anything is accepted.</summary>
    internal Action<HandedOver>? PlainHttp { get; set; }

    /// <summary>One line a connection; set before anything is accepted.</summary>
    internal ILoggingAdapter Log { get; set; } = NoLogger.Instance;

    private static ProxyTrust TrustOf(ProxiesSettings proxies) => new()
    {
        ProxyProtocol = new AddressRanges(proxies.ProxyProtocol),
        Forwarded = new AddressRanges(proxies.Forwarded),
        Header = proxies.ForwardedHeader,
    };

    private static Dictionary<string, WebSocketEndpoint> EndpointsOf(HubSettings settings)
    {
        var origins = new OriginRule(settings.Listen.Origins);
        var engine = new FrameEngineSettings(settings.Centrifuge.MessageBytesMax, settings.Centrifuge.FragmentsMax);

        // Where a message is for many it is compressed once for all, so no connection of the hub keeps a context, and none
        // holds memory for it. The echo answers one, and shows that contexts work.
        DeflatePolicy? deflate = !settings.Compression.Enabled ? null : new DeflatePolicy(new DeflateBudget(settings.Compression.MemoryMax))
        {
            ServerWindowBitsMax = settings.Compression.WindowBits,
            MessageBytesMin = settings.Compression.MessageBytesMin,
        };
        var endpoints = new List<WebSocketEndpoint>
        {
            new()
            {
                Path = settings.Centrifuge.Path,
                Subprotocols = new SubprotocolChoice([CentrifugeDialect.Subprotocol], CentrifugeDialect.Subprotocol, refusesUnmatched: true),
                Origins = origins,
                Engine = engine,
                EngineAtFirst = engine with { MessageBytesMax = Math.Min(engine.MessageBytesMax, settings.Centrifuge.BytesBeforeConnectMax) },
                Deflate = deflate,
                SlowCode = (CloseCode)Disconnect.Slow.Code,
                SlowReason = Disconnect.Slow.Reason,
                ShutdownCode = (CloseCode)Disconnect.Shutdown.Code,
                ShutdownReason = Disconnect.Shutdown.Reason,
            },
        };
        if (settings.Native.Enabled)
        {
            var native = new FrameEngineSettings(settings.Native.FrameBytesMax, settings.Native.FragmentsMax);
            endpoints.Add(new WebSocketEndpoint
            {
                Path = settings.Native.Path,
                Subprotocols = new SubprotocolChoice(NativeProtocol.Preference, fallback: null, refusesUnmatched: true) { RefusesNone = true },
                Origins = origins,
                Engine = native,
                EngineAtFirst = native with { MessageBytesMax = Math.Min(native.MessageBytesMax, settings.Centrifuge.BytesBeforeConnectMax) },
                SlowCode = (CloseCode)Disconnect.Slow.Code,
                SlowReason = Disconnect.Slow.Reason,
                ShutdownCode = (CloseCode)Disconnect.Shutdown.Code,
                ShutdownReason = Disconnect.Shutdown.Reason,
                ShutdownFrames = MessageBatch.Frame(NativeSpeech.Farewell(Disconnect.Shutdown)),
            });
        }

        if (settings.Echo.Enabled)
        {
            endpoints.Add(new WebSocketEndpoint
            {
                Path = settings.Echo.Path,
                Subprotocols = new SubprotocolChoice([], fallback: null, refusesUnmatched: false),
                Origins = origins,
                Engine = new FrameEngineSettings(settings.Echo.MessageBytesMax, settings.Echo.FragmentsMax),
                Deflate = deflate is null ? null : deflate with { ServerContext = true, ClientContext = true },
            });
        }

        return endpoints.ToDictionary(endpoint => endpoint.Path, StringComparer.Ordinal);
    }

    /// <summary>The paths that speak WebSocket.</summary>
    internal IReadOnlyCollection<string> Paths => _endpoints.Keys;

    public WebSocketEndpoint? Find(UpgradeRequest request) => _endpoints.GetValueOrDefault(request.Path);

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
        Sessions[connection.Id.Loop].Tell(new SessionsActor.Opened(connection), ActorRefs.NoSender);
    }

    public void Ended(Connection connection, Closure closure)
    {
        counters.Count(closure, wasOpen: connection.Endpoint is not null);
        if (Log.IsDebugEnabled) Log.Debug("{0} ended: {1}, {2} {3}", connection.Id, closure.Cause, (int)closure.Code, closure.Reason);
    }
}
