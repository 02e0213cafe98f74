namespace Broker.Actors.Channels.History;

/// <summary>Histories of channels, of all namespaces together.</summary>
public sealed record HistorySettings
{
    /// <summary>The folder of the histories that outlive the process; empty for none.</summary>
    public string Path { get; init; } = "";

    /// <summary>Bytes that histories may hold in memory.</summary>
    public long BytesMax { get; init; } = 1024L * 1024 * 1024;

    /// <summary>Bytes that the histories in <see cref="Path"/> may have on the disk.</summary>
    public long DiskBytesMax { get; init; } = 16L * 1024 * 1024 * 1024;

    /// <summary>Publications of one page of a history, at most.</summary>
    public int PageMax { get; init; } = 300;

    /// <summary>Publications that a client recovers with a subscribe, at most.</summary>
    public int RecoveryMax { get; init; } = 300;

    /// <summary>
    /// Bytes of data that a client recovers with a subscribe, at most: what waits for it must not pass what its queue holds.
    /// </summary>
    public int RecoveryBytesMax { get; init; } = 512 * 1024;

    /// <summary>
    /// How often a node compares where a channel with positioned subscribers stands with the channel's home; zero for never.
    /// </summary>
    public TimeSpan PositionCheckInterval { get; init; } = TimeSpan.FromSeconds(40);

    /// <summary>How long the key of a publication is remembered.</summary>
    public TimeSpan IdempotencyTtl { get; init; } = TimeSpan.FromMinutes(5);
}
