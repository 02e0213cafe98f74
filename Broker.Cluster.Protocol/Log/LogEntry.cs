namespace Broker.Cluster.Protocol.Log;

/// <summary>What an entry does to its channel.</summary>
public enum LogEntryKind : byte
{
    /// <summary>A publication at the channel's next offset.</summary>
    Publication = 1,

    /// <summary>Publications up to the offset are removed; the channel and its position stay.</summary>
    Trim,

    /// <summary>The channel ends; it begins again with another epoch.</summary>
    Evict,

    /// <summary>In a snapshot only: the channel and its newest position, ahead of its publications.</summary>
    Head,

    /// <summary>In a snapshot only: an idempotency key and where its publication is.</summary>
    Key,
}

/// <summary>One entry of a partition's log; immutable, shared by the one that keeps it.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Sequence">Its place in the partition's log, from 1.</param>
/// <param name="Channel">The channel.</param>
/// <param name="Epoch">The channel's.</param>
/// <param name="Offset">In the channel, from 1; of a trim, the last offset that is removed.</param>
public sealed record LogEntry(LogEntryKind Kind, ulong Sequence, string Channel, ulong Epoch, ulong Offset)
{
    private const int HeadBytes = 48;

    /// <summary>The publisher's idempotency key; empty for none.</summary>
    public string Key { get; init; } = "";

    /// <summary>By the home's wall clock, and never less than of the entry before.</summary>
    public long TimeMilliseconds { get; init; }

    /// <summary>How many publications the channel keeps from this one on; 0 without a limit.</summary>
    public int KeepMax { get; init; }

    /// <summary>The publication's bytes, which the log does not look into. Owned by the entry.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>What it takes on a lane at most, roughly.</summary>
    public int Bytes => HeadBytes + (Channel.Length * 3) + (Key.Length * 3) + Data.Length;

    /// <inheritdoc/>
    public bool Equals(LogEntry? other) =>
        other is not null && Kind == other.Kind && Sequence == other.Sequence && Channel == other.Channel && Epoch == other.Epoch
            && Offset == other.Offset
        && Key == other.Key && TimeMilliseconds == other.TimeMilliseconds && KeepMax == other.KeepMax
        && Data.Span.SequenceEqual(other.Data.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Kind, Sequence, Channel, Epoch, Offset);
}
