namespace Broker.Actors.Sessions;

/// <summary>What one client may do and hold, whatever dialect it uses.</summary>
public sealed record ClientSettings
{
    // What stands around a channel's name where a client asks for it back: field names, a position, a token of usual length.
    private const int AroundNameBytes = 1024;

    // A byte of a name may be written as an escape of six characters for two bytes of UTF-8.
    private const int NameBytesPerByte = 3;

    /// <summary>How often a silent client is pinged.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>How long a pinged client has to answer.</summary>
    public TimeSpan PongLimit { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>How long a client has from its upgrade to its connect command, and how long access may take to answer that.</summary>
    public TimeSpan ConnectLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection or a subscription may stay past its end, for a refresh that is under way.</summary>
    public TimeSpan ExpiredCloseDelay { get; init; } = TimeSpan.FromSeconds(25);

    /// <summary>Headers of upgrade requests that access is told, and with them the request's target; none, and nothing is kept.</summary>
    public IReadOnlyList<string> UpgradeHeaders { get; init; } = [];

    /// <summary>Bytes that a client may send before its connect command, that command among them.</summary>
    public int BytesBeforeConnectMax { get; init; } = 16 * 1024;

    /// <summary>The most channels that one client may be subscribed to.</summary>
    public int ChannelsMax { get; init; } = 128;

    /// <summary>The longest channel name, in bytes of UTF-8.</summary>
    public int ChannelBytesMax { get; init; } = 255;

    /// <summary>
    /// Bytes of a message in which a client that comes back connects and subscribes to all that it may hold. Whatever the other bounds
    /// are, such a message is taken.
    /// </summary>
    public int ResumeBytes =>
        (int)Math.Min(
            MessageBytesLimit,
                BytesBeforeConnectMax + ((long)ChannelsMax * (((long)ChannelBytesMax * NameBytesPerByte) + AroundNameBytes)));

    /// <summary>Commands in which a client that comes back connects and subscribes to all that it may hold.</summary>
    public int ResumeCommands => ChannelsMax + 1;

    /// <summary>The longest message that settings can allow at all.</summary>
    public const int MessageBytesLimit = 64 * 1024 * 1024;
}
