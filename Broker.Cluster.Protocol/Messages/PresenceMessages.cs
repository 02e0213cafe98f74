namespace Broker.Cluster.Protocol.Messages;

/// <summary>A client in a channel.</summary>
/// <param name="Channel">The channel.</param>
/// <param name="Client">The connection's id, unique in the cluster.</param>
/// <param name="Info">What is told about it; the protocol does not look into it. Owned by the value.</param>
public readonly record struct PresenceEntry(string Channel, string Client, ReadOnlyMemory<byte> Info)
{
    /// <summary>Compares the bytes of the info, too.</summary>
    public bool Equals(PresenceEntry other) =>
        Channel == other.Channel && Client == other.Client && Info.Span.SequenceEqual(other.Info.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Channel, Client);

    internal void Write(WireWriter writer)
    {
        writer.WriteText(Channel);
        writer.WriteText(Client);
        writer.WriteBytes(Info.Span);
    }

    internal static PresenceEntry Read(ref WireReader reader) => new(reader.ReadText(), reader.ReadText(), reader.ReadBytes());
}

/// <summary>Edge to home: a client of this node is in the channel.</summary>
/// <param name="Partition">The channel's.</param>
/// <param name="Number">The edge's, ascending over everything that it sends this home about presence.</param>
/// <param name="Entry">The client.</param>
public sealed record PresenceJoin(int Partition, ulong Number, PresenceEntry Entry) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.PresenceJoin;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteUInt64(Number);
        Entry.Write(writer);
    }

    internal static PresenceJoin Read(ref WireReader reader) =>
        new(reader.ReadCount(), reader.ReadUInt64(), PresenceEntry.Read(ref reader));
}

/// <summary>Edge to home: a client of this node is in the channel no longer.</summary>
/// <param name="Partition">The channel's.</param>
/// <param name="Number">The edge's, as in <see cref="PresenceJoin"/>.</param>
/// <param name="Channel">The channel.</param>
/// <param name="Client">The client.</param>
public sealed record PresenceLeave(int Partition, ulong Number, string Channel, string Client) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.PresenceLeave;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteUInt64(Number);
        writer.WriteText(Channel);
        writer.WriteText(Client);
    }

    internal static PresenceLeave Read(ref WireReader reader) =>
        new(reader.ReadCount(), reader.ReadUInt64(), reader.ReadText(), reader.ReadText());
}

/// <summary>Edge to home, every 10 s and when a lane starts: who is in the partition's channels on this node, as a digest.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Number">The edge's, as in <see cref="PresenceJoin"/>.</param>
/// <param name="Count">Clients, each once a channel.</param>
/// <param name="Xor">Of the hashes of channel, client and info.</param>
public sealed record PresenceDigest(int Partition, ulong Number, int Count, ulong Xor) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.PresenceDigest;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteUInt64(Number);
        writer.WriteCount(Count);
        writer.WriteUInt64(Xor);
    }

    internal static PresenceDigest Read(ref WireReader reader) =>
        new(reader.ReadCount(), reader.ReadUInt64(), reader.ReadCount(), reader.ReadUInt64());
}

/// <summary>Home to edge: the digests differ; send the list.</summary>
/// <param name="Partition">The partition.</param>
public sealed record PresenceWanted(int Partition) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.PresenceWanted;

    /// <inheritdoc/>
    public void Write(WireWriter writer) => writer.WriteCount(Partition);

    internal static PresenceWanted Read(ref WireReader reader) => new(reader.ReadCount());
}

/// <summary>Edge to home: all who is in the partition's channels on this node, in one or more parts.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Number">The edge's, as in <see cref="PresenceJoin"/>; each part has its own.</param>
/// <param name="IsFirst">A list begins.</param>
/// <param name="IsLast">The list is whole: who is not in it has left.</param>
/// <param name="Entries">The clients.</param>
public sealed record PresenceList(int Partition, ulong Number, bool IsFirst, bool IsLast, IReadOnlyList<PresenceEntry> Entries)
    : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.PresenceList;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteUInt64(Number);
        writer.WriteBool(IsFirst);
        writer.WriteBool(IsLast);
        writer.WriteCount(Entries.Count);
        foreach (PresenceEntry each in Entries) each.Write(writer);
    }

    /// <inheritdoc/>
    public bool Equals(PresenceList? other) =>
        other is not null && Partition == other.Partition && Number == other.Number && IsFirst == other.IsFirst && IsLast == other.IsLast
            && Entries.SequenceEqual(other.Entries);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Partition, Number, IsFirst, IsLast, Entries.Count);

    internal static PresenceList Read(ref WireReader reader)
    {
        int partition = reader.ReadCount();
        ulong number = reader.ReadUInt64();
        bool isFirst = reader.ReadBool(), isLast = reader.ReadBool();
        var entries = new List<PresenceEntry>();
        for (int left = reader.ReadCount(); left > 0 && reader.IsGood; left--) entries.Add(PresenceEntry.Read(ref reader));
        return new PresenceList(partition, number, isFirst, isLast, entries);
    }
}
