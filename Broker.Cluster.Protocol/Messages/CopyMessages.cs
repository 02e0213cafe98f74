using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Messages;

/// <summary>Claimant to replica: serve no term below this one, and say what you have.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Term">The claim.</param>
public sealed record Promise(int Partition, Term Term) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.Promise;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteTerm(Term);
    }

    internal static Promise Read(ref WireReader reader) => new(reader.ReadCount(), reader.ReadTerm());
}

/// <summary>Replica to claimant: promised; from now on the replica refuses every lower term.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Term">Of the promise.</param>
/// <param name="LogTerm">Whose log the replica has.</param>
/// <param name="Sequence">Of its last entry.</param>
public sealed record Promised(int Partition, Term Term, Term LogTerm, ulong Sequence) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.Promised;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteTerm(Term);
        writer.WriteTerm(LogTerm);
        writer.WriteUInt64(Sequence);
    }

    internal static Promised Read(ref WireReader reader) =>
        new(reader.ReadCount(), reader.ReadTerm(), reader.ReadTerm(), reader.ReadUInt64());
}

/// <summary>Replica to home or claimant: a higher term has my promise.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Term">Of the message that is refused.</param>
/// <param name="Higher">The term that has the promise.</param>
public sealed record Refused(int Partition, Term Term, Term Higher) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.Refused;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteTerm(Term);
        writer.WriteTerm(Higher);
    }

    internal static Refused Read(ref WireReader reader) => new(reader.ReadCount(), reader.ReadTerm(), reader.ReadTerm());
}

/// <summary>
/// Home to follower: hold this log. Answered with <see cref="Appended"/>, or with <see cref="Fetch"/> by a follower that does not have it.
/// </summary>
/// <param name="Partition">The partition.</param>
/// <param name="Term">The home's.</param>
/// <param name="After">The home can send the entries behind this one; who has less of the term's log fetches all.</param>
/// <param name="BaseTerm">The home's log was that of this term when it claimed,</param>
/// <param name="BaseSequence">up to this entry. A replica with exactly that log has the new term's log as well.</param>
public sealed record Sync(int Partition, Term Term, ulong After, Term BaseTerm, ulong BaseSequence) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.Sync;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteTerm(Term);
        writer.WriteUInt64(After);
        writer.WriteTerm(BaseTerm);
        writer.WriteUInt64(BaseSequence);
    }

    internal static Sync Read(ref WireReader reader) =>
        new(reader.ReadCount(), reader.ReadTerm(), reader.ReadUInt64(), reader.ReadTerm(), reader.ReadUInt64());
}

/// <summary>Home to follower, once a turn: the next entries. Without entries it asks whether the term still holds.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Term">The home's.</param>
/// <param name="After">The sequence that the first entry follows.</param>
/// <param name="Round">Repeated in the answer; reads wait for a round of all followers.</param>
/// <param name="Entries">In order, without a gap.</param>
public sealed record Append(int Partition, Term Term, ulong After, ulong Round, IReadOnlyList<LogEntry> Entries) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.Append;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteTerm(Term);
        writer.WriteUInt64(After);
        writer.WriteUInt64(Round);
        writer.WriteEntries(Entries);
    }

    /// <inheritdoc/>
    public bool Equals(Append? other) =>
        other is not null && Partition == other.Partition && Term == other.Term && After == other.After && Round == other.Round
            && Entries.SequenceEqual(other.Entries);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Partition, Term, After, Round, Entries.Count);

    internal static Append Read(ref WireReader reader) =>
        new(reader.ReadCount(), reader.ReadTerm(), reader.ReadUInt64(), reader.ReadUInt64(), reader.ReadEntries());
}

/// <summary>Follower to home: all entries up to this one are in the replica.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Term">The home's.</param>
/// <param name="UpTo">Of the last entry.</param>
/// <param name="Round">The highest round that was received.</param>
public sealed record Appended(int Partition, Term Term, ulong UpTo, ulong Round) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.Appended;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteTerm(Term);
        writer.WriteUInt64(UpTo);
        writer.WriteUInt64(Round);
    }

    internal static Appended Read(ref WireReader reader) =>
        new(reader.ReadCount(), reader.ReadTerm(), reader.ReadUInt64(), reader.ReadUInt64());
}

/// <summary>Follower to home, or claimant to replica: send me a part of your state.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Term">The term that the receiver has promised, or whose home it is.</param>
/// <param name="Transfer">The asker's number for this state; another number is another moment's state.</param>
/// <param name="Part">From 0, in order.</param>
public sealed record Fetch(int Partition, Term Term, ulong Transfer, int Part) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.Fetch;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteTerm(Term);
        writer.WriteUInt64(Transfer);
        writer.WriteCount(Part);
    }

    internal static Fetch Read(ref WireReader reader) =>
        new(reader.ReadCount(), reader.ReadTerm(), reader.ReadUInt64(), reader.ReadCount());
}

/// <summary>A part of a state.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Term">Of the request.</param>
/// <param name="Transfer">Of the request.</param>
/// <param name="Part">Of the request.</param>
/// <param name="IsLast">No part follows.</param>
/// <param name="Lineage">Of the log.</param>
/// <param name="Sequence">Of the last entry that is in the state.</param>
/// <param name="Entries">They make the state in order.</param>
public sealed record SnapshotPart(
    int Partition, Term Term, ulong Transfer, int Part, bool IsLast, Term Lineage, ulong Sequence, IReadOnlyList<LogEntry> Entries)
    : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.SnapshotPart;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteTerm(Term);
        writer.WriteUInt64(Transfer);
        writer.WriteCount(Part);
        writer.WriteBool(IsLast);
        writer.WriteTerm(Lineage);
        writer.WriteUInt64(Sequence);
        writer.WriteEntries(Entries);
    }

    /// <inheritdoc/>
    public bool Equals(SnapshotPart? other) =>
        other is not null && Partition == other.Partition && Term == other.Term && Transfer == other.Transfer && Part == other.Part
            && IsLast == other.IsLast
        && Lineage == other.Lineage && Sequence == other.Sequence && Entries.SequenceEqual(other.Entries);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Partition, Term, Transfer, Part, Sequence);

    internal static SnapshotPart Read(ref WireReader reader) => new(
        reader.ReadCount(), reader.ReadTerm(), reader.ReadUInt64(), reader.ReadCount(), reader.ReadBool(), reader.ReadTerm(),
            reader.ReadUInt64(), reader.ReadEntries());
}

/// <summary>Home to its successor, a follower that has everything: claim now. The home takes nothing new meanwhile.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Term">The home's.</param>
public sealed record HandOver(int Partition, Term Term) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.HandOver;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteTerm(Term);
    }

    internal static HandOver Read(ref WireReader reader) => new(reader.ReadCount(), reader.ReadTerm());
}

/// <summary>
/// Home to all members, when it becomes active, at a lane's start, and each second to who ranks first: the partition is here.
/// </summary>
/// <param name="Partition">The partition.</param>
/// <param name="Term">The home's.</param>
public sealed record Announce(int Partition, Term Term) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.Announce;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteTerm(Term);
    }

    internal static Announce Read(ref WireReader reader) => new(reader.ReadCount(), reader.ReadTerm());
}
