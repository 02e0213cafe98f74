using Broker.Actors.Sessions;

namespace Broker.Dialects.Centrifuge;

/// <summary>The Centrifuge dialect: its paths and bounds.</summary>
public sealed record CentrifugeSettings
{
    /// <summary>The path that clients connect to.</summary>
    public string Path { get; init; } = "/connection/websocket";

    /// <summary>Both ways, replies as lines in the answer to a POST.</summary>
    public TwoWayFormSettings HttpStream { get; init; } = new("/connection/http_stream");

    /// <summary>Both ways, replies as events.</summary>
    public TwoWayFormSettings Sse { get; init; } = new("/connection/sse");

    /// <summary>The path to which clients of the two post their further commands.</summary>
    public string EmulationPath { get; init; } = "/emulation";

    /// <summary>One way, pushes as lines in the answer to a POST.</summary>
    public UniStreamSettings UniHttpStream { get; init; } = new("/connection/uni_http_stream");

    /// <summary>One way, pushes as events.</summary>
    public UniStreamSettings UniSse { get; init; } = new("/connection/uni_sse");

    /// <summary>One way, pushes as messages of a WebSocket.</summary>
    public FormSettings UniWebsocket { get; init; } = new("/connection/uni_websocket");

    /// <summary>The longest message of a client.</summary>
    public int MessageBytesMax { get; init; } = 64 * 1024;

    /// <summary>The most frames that one message of a client may come in.</summary>
    public int FragmentsMax { get; init; } = 1024;

    /// <summary>The most commands in one frame.</summary>
    public int CommandsPerFrameMax { get; init; } = 256;

    /// <summary>Bytes of commands that may be under way in the hub for one client; reading from it pauses above.</summary>
    public int CommandBytesMax { get; init; } = 256 * 1024;
}

/// <summary>A transport of the dialect beside the WebSocket that uses both ways.</summary>
/// <param name="Path">The path that clients connect to.</param>
public record FormSettings(string Path)
{
    /// <summary>Whether the path answers at all.</summary>
    public bool Enabled { get; init; }

    /// <summary>How often its clients are pinged; zero for as often as all.</summary>
    public TimeSpan PingInterval { get; init; }

    /// <summary>What its clients may do and hold, of what all may.</summary>
    internal virtual ClientSettings LimitsOf(ClientSettings clients) =>
        PingInterval == TimeSpan.Zero ? clients : clients with { PingInterval = PingInterval };
}

/// <summary>A transport over which clients also send.</summary>
/// <param name="Path">The path that clients connect to.</param>
public sealed record TwoWayFormSettings(string Path) : FormSettings(Path)
{
    /// <summary>How long its clients have to answer a ping; zero for as long as all.</summary>
    public TimeSpan PongLimit { get; init; }

    /// <summary>The longest message of a client; 0 for that of all.</summary>
    public int MessageBytesMax { get; init; }

    // What is not set here gives way to what is.
    internal override ClientSettings LimitsOf(ClientSettings clients)
    {
        TimeSpan ping = PingInterval > TimeSpan.Zero ? PingInterval : Max(clients.PingInterval, PongLimit);
        TimeSpan pong = PongLimit > TimeSpan.Zero ? PongLimit : Min(clients.PongLimit, ping);
        return clients with { PingInterval = ping, PongLimit = pong };

        static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
        static TimeSpan Min(TimeSpan one, TimeSpan other) => one < other ? one : other;
    }
}

/// <summary>A transport whose clients only listen, over HTTP.</summary>
/// <param name="Path">The path that clients connect to.</param>
public sealed record UniStreamSettings(string Path) : FormSettings(Path)
{
    /// <summary>
    /// Statuses of HTTP for clients that may not connect, by the disconnect code that they would get; 500 for all other codes. Empty: such
    /// a client gets 200 and a disconnect.
    /// </summary>
    public IReadOnlyList<KeyValuePair<int, int>> ConnectStatus { get; init; } = [];
}
