namespace Broker.Dialects.Centrifuge;

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
