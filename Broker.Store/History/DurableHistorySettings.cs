namespace Broker.Store.History;

/// <summary>Bounds of the histories on the disk.</summary>
public sealed record DurableHistorySettings
{
    private const long MiB = 1024 * 1024;

    /// <summary>Databases that the channels are spread over. Never changed for a folder.</summary>
    internal int Shards { get; init; } = 8;

    /// <summary>Bytes that they may have on the disk; beyond it nothing more is kept until something has expired.</summary>
    public long BytesMax { get; init; } = 16L * 1024 * MiB;

    /// <summary>Gets what the one who runs the hub should know; on any thread, and must not throw.</summary>
    public Action<StoreNotice> Notify { get; init; } = static _ => { };

    /// <summary>The machine's current run; what was not synced in an earlier one may be lost.</summary>
    internal Guid Boot { get; init; } = ReadBoot();

    /// <summary>Bounds of each database.</summary>
    internal StoreSettings Store { get; init; } = new()
    {
        KeyBytesMax = StoreSettings.KeyBytesLimit,
        ValueBytesMax = Array.MaxLength,
        BatchBytesMax = 2 * (long)Array.MaxLength,
        QueuedBytesMax = 32 * MiB,
        CacheBytes = 8 * MiB,
        WriteBufferBytes = 8 * MiB,
    };

    // Without a number of its run the machine may have stopped.
    private static Guid ReadBoot()
    {
        const string path = "/proc/sys/kernel/random/boot_id";
        return File.Exists(path) && Guid.TryParse(File.ReadAllText(path), out Guid boot) ? boot : Guid.NewGuid();
    }
}
