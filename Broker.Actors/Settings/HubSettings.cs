using System.Net;
using Akka.Configuration;
using Broker.Actors.Access;
using Broker.Actors.Channels;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Rpc;
using Broker.Actors.Sessions;
using Broker.Configuration;
using Broker.Core.Upgrade;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Actors.Settings;

/// <summary>Everything that can be set about a hub; read from <c>reference.conf</c> and the layers over it.</summary>
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

    /// <summary>What one client may do and hold, whatever dialect it speaks.</summary>
    public ClientSettings Clients { get; init; } = new();

    /// <summary>What clients may do where an application brings no rules of its own.</summary>
    public AccessSettings Access { get; init; } = new();

    /// <summary>The Centrifuge JSON dialect.</summary>
    public CentrifugeSettings Centrifuge { get; init; } = new();

    /// <summary>The native protocol.</summary>
    public NativeSettings Native { get; init; } = new();

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

    /// <summary>The echo endpoint, for conformance and measurement.</summary>
    public EchoSettings Echo { get; init; } = new();

    /// <summary>How long a stopping hub waits for its clients to take their last bytes and go.</summary>
    public TimeSpan ShutdownGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Reads the settings under <c>broker</c>; what the configuration leaves out has its default.</summary>
    /// <exception cref="SettingException">A value is bad, or a key unknown.</exception>
    public static HubSettings From(Config config) => HubReference.Read(config);
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

    /// <summary>Names of this server that a request may use as its Host, beside its addresses and <c>localhost</c>; <c>*</c> allows every name.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Connections that the whole process may hold; one more is answered 503 with <c>Retry-After</c>.</summary>
    public int ConnectionsMax { get; init; } = 1_000_000;

    /// <summary>Lets anonymous clients in on an address that is not loopback.</summary>
    public bool AllowAnonymousAnywhere { get; init; }

    /// <summary>The proxies in front of the hub.</summary>
    public ProxiesSettings Proxies { get; init; } = new();

    /// <summary>Which hosts may be asked for at a port on an address: on loopback the configured ones and those of the origins; elsewhere all, unless some are configured.</summary>
    public HostRule HostsOn(IPAddress address) => IPAddress.IsLoopback(address)
        ? HostRule.For(isLoopbackOnly: true, [.. Hosts, .. Origins.Select(OriginList.HostOf).OfType<string>()])
        : HostRule.For(isLoopbackOnly: false, Hosts);
}

/// <summary>Which peers are proxies that are believed when they say who the client is. Everybody else is the client.</summary>
public sealed record ProxiesSettings
{
    /// <summary>Peers that begin every connection with a PROXY header, and that are refused without one.</summary>
    public IReadOnlyList<IPNetwork> ProxyProtocol { get; init; } = [];

    /// <summary>Peers whose forwarded header is believed.</summary>
    public IReadOnlyList<IPNetwork> Forwarded { get; init; } = [];

    /// <summary>The one header that those peers write, and the only one that is read.</summary>
    public ForwardedHeader ForwardedHeader { get; init; }
}

/// <summary>The Centrifuge JSON dialect: its path and bounds.</summary>
public sealed record CentrifugeSettings
{
    /// <summary>The path that clients connect to.</summary>
    public string Path { get; init; } = "/connection/websocket";

    /// <summary>The longest message of a client.</summary>
    public int MessageBytesMax { get; init; } = 64 * 1024;

    /// <summary>The most frames that one message of a client may come in.</summary>
    public int FragmentsMax { get; init; } = 1024;

    /// <summary>The most commands in one frame.</summary>
    public int CommandsPerFrameMax { get; init; } = 256;

    /// <summary>Bytes of commands that may be under way in the hub for one client; reading from it pauses above.</summary>
    public int CommandBytesMax { get; init; } = 256 * 1024;
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

/// <summary>The echo endpoint.</summary>
public sealed record EchoSettings
{
    /// <summary>Whether the path answers at all.</summary>
    public bool Enabled { get; init; }

    /// <summary>The path that clients connect to.</summary>
    public string Path { get; init; } = "/echo";

    /// <summary>The longest message.</summary>
    public int MessageBytesMax { get; init; } = 16 * 1024 * 1024;

    /// <summary>The most frames that one message may come in.</summary>
    public int FragmentsMax { get; init; } = 1024 * 1024;
}
