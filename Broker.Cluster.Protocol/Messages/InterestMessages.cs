using Broker.Cluster.Protocol.Log;

namespace Broker.Cluster.Protocol.Messages;

/// <summary>
/// Edge to home: this node has listeners of the channel, or a further one that wants to recover. Answered with <see cref="Listening"/>.
/// </summary>
/// <param name="Partition">The channel's.</param>
/// <param name="Number">The edge's, ascending over everything that it sends this home about interest.</param>
/// <param name="Channel">The channel.</param>
/// <param name="After">Publications behind this position are wanted; null for none.</param>
public sealed record Listen(int Partition, ulong Number, string Channel, ChannelPosition? After) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.Listen;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteUInt64(Number);
        writer.WriteText(Channel);
        writer.WriteOptional(After);
    }

    internal static Listen Read(ref WireReader reader) =>
        new(reader.ReadCount(), reader.ReadUInt64(), reader.ReadText(), reader.ReadOptionalPosition());
}

/// <summary>Home to edge: from the next publication on the node is sent all of them, until it says otherwise or its lane breaks.</summary>
/// <param name="Partition">The channel's.</param>
/// <param name="Number">Of the <see cref="Listen"/>.</param>
/// <param name="Channel">The channel.</param>
/// <param name="Position">The channel's newest position.</param>
/// <param name="IsRecovered">Everything behind the position asked for is in <paramref name="Missed"/>.</param>
/// <param name="Missed">Oldest first; the last one is at <paramref name="Position"/>.</param>
public sealed record Listening(
    int Partition, ulong Number, string Channel, ChannelPosition Position, bool IsRecovered, IReadOnlyList<LogEntry> Missed)
        : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.Listening;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteUInt64(Number);
        writer.WriteText(Channel);
        writer.WritePosition(Position);
        writer.WriteBool(IsRecovered);
        writer.WriteEntries(Missed);
    }

    /// <inheritdoc/>
    public bool Equals(Listening? other) =>
        other is not null && Partition == other.Partition && Number == other.Number && Channel == other.Channel
            && Position == other.Position
        && IsRecovered == other.IsRecovered && Missed.SequenceEqual(other.Missed);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Partition, Number, Channel, Position);

    internal static Listening Read(ref WireReader reader) => new(
        reader.ReadCount(), reader.ReadUInt64(), reader.ReadText(), reader.ReadPosition(), reader.ReadBool(), reader.ReadEntries());
}

/// <summary>Edge to home: no listener is left on this node.</summary>
/// <param name="Partition">The channel's.</param>
/// <param name="Number">The edge's, as in <see cref="Listen"/>.</param>
/// <param name="Channel">The channel.</param>
public sealed record Unlisten(int Partition, ulong Number, string Channel) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.Unlisten;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteUInt64(Number);
        writer.WriteText(Channel);
    }

    internal static Unlisten Read(ref WireReader reader) => new(reader.ReadCount(), reader.ReadUInt64(), reader.ReadText());
}

/// <summary>Edge to home, every 10 s and when a lane starts: which channels of the partition have listeners here, as a digest.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Number">The edge's, as in <see cref="Listen"/>.</param>
/// <param name="Count">Channels.</param>
/// <param name="Xor">Of their hashes.</param>
public sealed record InterestDigest(int Partition, ulong Number, int Count, ulong Xor) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.InterestDigest;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteUInt64(Number);
        writer.WriteCount(Count);
        writer.WriteUInt64(Xor);
    }

    internal static InterestDigest Read(ref WireReader reader) =>
        new(reader.ReadCount(), reader.ReadUInt64(), reader.ReadCount(), reader.ReadUInt64());
}

/// <summary>Home to edge: the digests differ; send the list.</summary>
/// <param name="Partition">The partition.</param>
public sealed record InterestWanted(int Partition) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.InterestWanted;

    /// <inheritdoc/>
    public void Write(WireWriter writer) => writer.WriteCount(Partition);

    internal static InterestWanted Read(ref WireReader reader) => new(reader.ReadCount());
}

/// <summary>Edge to home: all channels of the partition that have listeners on this node, in one or more parts.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Number">The edge's, as in <see cref="Listen"/>.</param>
/// <param name="IsFirst">What the home knew of this node is replaced from here on.</param>
/// <param name="Channels">Their names.</param>
public sealed record InterestList(int Partition, ulong Number, bool IsFirst, IReadOnlyList<string> Channels) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.InterestList;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteUInt64(Number);
        writer.WriteBool(IsFirst);
        writer.WriteCount(Channels.Count);
        foreach (string each in Channels) writer.WriteText(each);
    }

    /// <inheritdoc/>
    public bool Equals(InterestList? other) =>
        other is not null && Partition == other.Partition && Number == other.Number && IsFirst == other.IsFirst
            && Channels.SequenceEqual(other.Channels);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Partition, Number, IsFirst, Channels.Count);

    internal static InterestList Read(ref WireReader reader)
    {
        int partition = reader.ReadCount();
        ulong number = reader.ReadUInt64();
        bool isFirst = reader.ReadBool();
        var channels = new List<string>();
        for (int left = reader.ReadCount(); left > 0 && reader.IsGood; left--) channels.Add(reader.ReadText());
        return new InterestList(partition, number, isFirst, channels);
    }
}
