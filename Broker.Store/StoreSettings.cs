namespace Broker.Store;

/// <summary>Bounds of a store.</summary>
public sealed record StoreSettings
{
    /// <summary>The longest key that any setting allows.</summary>
    public const int KeyBytesLimit = 4096;

    /// <summary>The longest key; 1 to <see cref="KeyBytesLimit"/>.</summary>
    public int KeyBytesMax { get; init; } = 1024;

    /// <summary>The longest value that is written in one piece.</summary>
    public int ValueBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>The longest value that is written as a stream.</summary>
    public long StreamedValueBytesMax { get; init; } = 1024L * 1024 * 1024;

    /// <summary>Most bytes of keys and values in one batch.</summary>
    public long BatchBytesMax { get; init; } = 128L * 1024 * 1024;

    /// <summary>Most changes of one batch.</summary>
    public int BatchChangesMax { get; init; } = 65_536;

    /// <summary>Bytes of keys and values that may wait to be written; one write alone always may.</summary>
    public long QueuedBytesMax { get; init; } = 128L * 1024 * 1024;

    /// <summary>Blocks of the files that are kept in memory.</summary>
    public long CacheBytes { get; init; } = 64L * 1024 * 1024;

    /// <summary>Whether every block of every table is compared with its checksum at the start.</summary>
    public bool VerifiesTables { get; init; } = true;

    /// <summary>Gets what the one who runs the store should know; on any thread, and must not throw.</summary>
    public Action<StoreNotice> Notify { get; init; } = static _ => { };

    /// <summary>Newly written data that is kept in memory before it becomes a file; there are at most two such buffers.</summary>
    public long WriteBufferBytes { get; init; } = 64L * 1024 * 1024;
}
