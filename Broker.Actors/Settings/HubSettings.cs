using System.Net;
using Akka.Configuration;
using Broker.Actors.Routing;
using Broker.Actors.Rpc;
using Broker.Configuration;
using Broker.Core.Upgrade;
using Broker.Reactor.Loops;

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

    /// <summary>The Centrifuge JSON dialect.</summary>
    public CentrifugeSettings Centrifuge { get; init; } = new();

    /// <summary>The native protocol.</summary>
    public NativeSettings Native { get; init; } = new();

    /// <summary>Bounds of calls.</summary>
    public CallSettings Calls { get; init; } = new();

    /// <summary>Bounds of routing.</summary>
    public RoutingSettings Routing { get; init; } = new();

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

    /// <summary>Connections that the whole process may hold; one more is answered 503 with <c>Retry-After</c>.</summary>
    public int ConnectionsMax { get; init; } = 1_000_000;

    /// <summary>Lets anonymous clients in on an address that is not loopback.</summary>
    public bool AllowAnonymousAnywhere { get; init; }

    /// <summary>The proxies in front of the hub.</summary>
    public ProxiesSettings Proxies { get; init; } = new();
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

/// <summary>The Centrifuge JSON dialect: its path and what one client may do and hold.</summary>
public sealed record CentrifugeSettings
{
    /// <summary>The path that clients connect to.</summary>
    public string Path { get; init; } = "/connection/websocket";

    /// <summary>Whether a client without a token may connect.</summary>
    public bool Anonymous { get; init; } = true;

    /// <summary>Whether clients may subscribe to channels by themselves.</summary>
    public bool Subscribe { get; init; } = true;

    /// <summary>Whether clients may publish.</summary>
    public bool Publish { get; init; } = true;

    /// <summary>How often a silent client is pinged.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>How long a pinged client has to answer.</summary>
    public TimeSpan PongLimit { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>How long a client has from its upgrade to its connect command.</summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of commands that a client may send before it has connected.</summary>
    public int BytesBeforeConnectMax { get; init; } = 16 * 1024;

    /// <summary>The longest message of a client.</summary>
    public int MessageBytesMax { get; init; } = 64 * 1024;

    /// <summary>The most frames that one message of a client may come in.</summary>
    public int FragmentsMax { get; init; } = 1024;

    /// <summary>The most commands in one frame.</summary>
    public int CommandsPerFrameMax { get; init; } = 256;

    /// <summary>The most channels that one client may be subscribed to.</summary>
    public int ChannelsMax { get; init; } = 128;

    /// <summary>The longest channel name, in bytes of UTF-8.</summary>
    public int ChannelBytesMax { get; init; } = 255;

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
