using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Log;

/// <summary>One partition in a node's replica store. For one thread.</summary>
/// <remarks>
/// A store on disk writes what each call changes in one batch before the call returns. What is promised or remembered must last as long as
/// the entries do.
/// </remarks>
public interface IReplicaLog
{
    /// <summary>No term below this one is served any more.</summary>
    Term Promised { get; }

    /// <summary>The term whose home made the log what it is.</summary>
    Term LogTerm { get; }

    /// <summary>The term that began with an empty log.</summary>
    Term Lineage { get; }

    /// <summary>Of the last entry.</summary>
    ulong Sequence { get; }

    /// <summary>Of the last <see cref="LogEntryKind.Evict"/>; 0 if there was none.</summary>
    ulong Generation { get; }

    /// <summary>What the register was last known to hold, for a cluster that starts again from its disks.</summary>
    RegisterRecord Record { get; }

    /// <summary>Raises <see cref="Promised"/>.</summary>
    void Promise(Term term);

    /// <summary>Merges into <see cref="Record"/>.</summary>
    void Remember(RegisterRecord record);

    /// <summary>Begins an empty log; the term is its lineage.</summary>
    void Begin(Term term);

    /// <summary>Goes on with the entries that are there under another term.</summary>
    void Adopt(Term term);

    /// <summary>Replaces all entries.</summary>
    /// <param name="term">Whose log it is.</param>
    /// <param name="snapshot">The new state.</param>
    void Install(Term term, LogSnapshot snapshot);

    /// <summary>Appends one entry, whose sequence is the next one, and applies it.</summary>
    void Append(LogEntry entry);

    /// <summary>The whole state, which later calls do not change.</summary>
    LogSnapshot Snapshot();

    /// <summary>The newest position of a channel. One that is not known is at offset 0 of <see cref="ChannelEpochs.Of"/>.</summary>
    ChannelPosition Top(string channel);

    /// <summary>The newest entry with this key in the channel; null for none.</summary>
    KeyedPosition? FindKey(string channel, string key);

    /// <summary>Publications of a channel behind an offset, oldest first.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="after">Those with a higher offset are wanted.</param>
    /// <param name="sequenceMax">Entries behind this sequence are left out: they are not acknowledged.</param>
    /// <param name="limit">How many, at most.</param>
    IReadOnlyList<LogEntry> Read(string channel, ulong after, ulong sequenceMax, int limit);
}

/// <summary>Where the publication with a key is.</summary>
/// <param name="Position">In its channel.</param>
/// <param name="Sequence">In the partition's log.</param>
/// <param name="TimeMilliseconds">When it was published.</param>
public readonly record struct KeyedPosition(ChannelPosition Position, ulong Sequence, long TimeMilliseconds);
