namespace Broker.Actors.Channels.History;

/// <summary>How much of a channel is kept, and for how long. One instance for each namespace.</summary>
public sealed record HistoryOptions
{
    /// <summary>Keeps nothing.</summary>
    public static HistoryOptions Off { get; } = new();

    /// <summary>Publications that are kept; older ones are removed as new ones come. 0 keeps none.</summary>
    public int Size { get; init; }

    /// <summary>How long the list of a channel stays after its last publication, as a whole; the position stays. Zero keeps none.</summary>
    public TimeSpan Ttl { get; init; }

    /// <summary>
    /// How long the position of a channel stays after its last publication or read; afterwards it begins with a new epoch. At least
    /// <see cref="Ttl"/>.
    /// </summary>
    public TimeSpan MetaTtl { get; init; } = TimeSpan.FromDays(30);

    /// <summary>What an acknowledged publication outlives. Memory needs no disk; the others need a store of their own.</summary>
    public HistoryDurability Durability { get; init; }

    /// <summary>Whether anything is kept.</summary>
    public bool IsOn => Size > 0 && Ttl > TimeSpan.Zero;

    /// <summary>Whether the history is kept on the disk.</summary>
    public bool IsOnDisk => IsOn && Durability != HistoryDurability.Memory;
}

/// <summary>What an acknowledged publication outlives, as the settings name it.</summary>
public enum HistoryDurability
{
    /// <summary>Nothing: it is in the memory of this process.</summary>
    Memory,

    /// <summary>The end of this process: it is handed to the system, and not synced.</summary>
    None,

    /// <summary>The end of this machine's power: it is synced to the disk.</summary>
    Fsync,
}
