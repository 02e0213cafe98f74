using Broker.Actors.Calls;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.History;
using System.Net;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Limits;
using Broker.Actors.Sessions;
using Broker.Core.Upgrade;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Actors.Settings;

/// <summary>
/// Everything that can be set about a hub, whatever dialects it has; read from <c>reference.conf</c> and the layers over it.
/// </summary>
/// <remarks>What a dialect has to set is the dialect's own.</remarks>
public sealed record HubSettings
{
    /// <summary>The public port.</summary>
    public ListenSettings Listen { get; init; } = new();

    /// <summary>Who moves the bytes of the public port.</summary>
    public Transport Transport { get; init; }

    /// <summary>Number of event loops, each with one thread; 0 means one for each processor.</summary>
    public int Reactors { get; init; }

    /// <summary>Bounds of each event loop and its connections.</summary>
    public ReactorSettings Reactor { get; init; } = new();

    /// <summary>What one client may do and hold, whatever dialect it uses.</summary>
    public ClientSettings Clients { get; init; } = new();

    /// <summary>How fast clients may be.</summary>
    public LimitSettings Limits { get; init; } = new();

    /// <summary>What clients may do where an application brings no rules of its own.</summary>
    public AccessSettings Access { get; init; } = new();

    /// <summary>Bounds of calls.</summary>
    public CallSettings Calls { get; init; } = new();

    /// <summary>Bounds of routing.</summary>
    public ChannelSettings Routing { get; init; } = new();

    /// <summary>Channels without a namespace.</summary>
    public ChannelNamespace Channels { get; init; } = new();

    /// <summary>The namespaces.</summary>
    public IReadOnlyList<ChannelNamespace> Namespaces { get; init; } = [];

    /// <summary>Histories of channels, of all namespaces together.</summary>
    public HistorySettings History { get; init; } = new();

    /// <summary>Compression of messages.</summary>
    public CompressionSettings Compression { get; init; } = new();

    /// <summary>What is remembered to explain why a client did not get a publication.</summary>
    public ExplainSettings Explain { get; init; } = new();

    /// <summary>How long a stopping hub waits for its clients to take their last bytes and go.</summary>
    public TimeSpan ShutdownGrace { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>What is remembered to explain why a client did not get a publication.</summary>
public sealed record ExplainSettings
{
    /// <summary>Bytes that ends of connections and subscriptions may hold; 0 remembers none.</summary>
    public int BytesMax { get; init; } = 8 * 1024 * 1024;
}

/// <summary>Who moves the bytes of the public port.</summary>
public enum Transport
{
    /// <summary>The reactor where this system can run it, else Kestrel.</summary>
    Auto,

    /// <summary>The hub's own event loops over epoll: Linux on x86-64.</summary>
    Reactor,

    /// <summary>Kestrel, on any system. The hub listens nowhere by itself.</summary>
    Kestrel,
}

/// <summary>Where the hub listens and who may come in.</summary>
public sealed record ListenSettings
{
    /// <summary>The address to listen on.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port; 0 lets the system pick a free one.</summary>
    public int Port { get; init; } = 8000;

    /// <summary>Values of <c>Origin</c> that browsers may come from, compared exactly; empty allows the hub's own host only.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [];

    /// <summary>
    /// Names of this server that a request may use as its Host, beside its addresses and <c>localhost</c>; <c>*</c> allows every name.
    /// </summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Connections that the whole process may hold; one more is answered 503 with <c>Retry-After</c>.</summary>
    public int ConnectionsMax { get; init; } = 1_000_000;

    /// <summary>
    /// Connections that one address may hold; one more is answered 429 with <c>Retry-After</c>. 0 keeps the last eighth of all places from
    /// an address that has half of them.
    /// </summary>
    public int AddressConnectionsMax { get; init; }

    /// <summary>Lets anonymous clients in on an address that is not loopback.</summary>
    public bool AllowAnonymousAnywhere { get; init; }

    /// <summary>The proxies in front of the hub.</summary>
    public ProxiesSettings Proxies { get; init; } = new();

    /// <summary>
    /// Which hosts may be asked for at a port on an address: on loopback the configured ones and those of the origins; elsewhere all,
    /// unless some are configured.
    /// </summary>
    public HostRule HostsOn(IPAddress address) => IPAddress.IsLoopback(address)
        ? HostRule.For(isLoopbackOnly: true, [.. Hosts, .. Origins.Select(OriginList.HostOf).OfType<string>()])
        : HostRule.For(isLoopbackOnly: false, Hosts);
}

/// <summary>Which peers are proxies that are believed when they say who the client is. All others is the client.</summary>
public sealed record ProxiesSettings
{
    /// <summary>Peers that begin every connection with a PROXY header, and that are refused without one.</summary>
    public IReadOnlyList<IPNetwork> ProxyProtocol { get; init; } = [];

    /// <summary>Peers whose forwarded header is believed.</summary>
    public IReadOnlyList<IPNetwork> Forwarded { get; init; } = [];

    /// <summary>The one header that those peers write, and the only one that is read.</summary>
    public ForwardedHeader ForwardedHeader { get; init; }

    /// <summary>The same as those who read connections and requests need it.</summary>
    public ProxyTrust ToTrust() => new()
    {
        ProxyProtocol = new AddressRanges(ProxyProtocol),
        Forwarded = new AddressRanges(Forwarded),
        Header = ForwardedHeader,
    };
}

/// <summary>Compression of messages, RFC 7692.</summary>
public sealed record CompressionSettings
{
    /// <summary>Whether it is agreed on with clients that offer it.</summary>
    public bool Enabled { get; init; }

    /// <summary>The shortest message that the hub compresses.</summary>
    public int MessageBytesMin { get; init; } = 1024;

    /// <summary>The largest window that the hub compresses with, as an exponent of two.</summary>
    public int WindowBits { get; init; } = 15;

    /// <summary>Bytes that the compressors and decompressors of single connections may come to.</summary>
    public int MemoryMax { get; init; } = 64 * 1024 * 1024;
}
