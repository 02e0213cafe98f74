using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Messages;

/// <summary>What became of a publication.</summary>
public enum PublishOutcome : byte
{
    /// <summary>It has its place, and every replica has it.</summary>
    Published = 1,

    /// <summary>Its idempotency key was known: the place is the first one's.</summary>
    Repeated,

    /// <summary>This node is not the partition's home: ask the one that is named, or wait.</summary>
    NotHome,

    /// <summary>The home lost its right before the publication was on all replicas. It may appear or not: repeat it with its key.</summary>
    Unknown,

    /// <summary>More publications wait for their copies than the home keeps.</summary>
    Overloaded,
}

/// <summary>Edge to home: publish this. Answered with <see cref="PublishReply"/>.</summary>
/// <param name="Partition">The channel's.</param>
/// <param name="Request">Repeated in the answer.</param>
/// <param name="Channel">The channel.</param>
/// <param name="Key">The idempotency key; empty for none.</param>
/// <param name="KeepMax">How many publications the channel keeps; 0 without a limit.</param>
/// <param name="Data">The publication's bytes; owned by the message.</param>
public sealed record PublishForward(int Partition, ulong Request, string Channel, string Key, int KeepMax, ReadOnlyMemory<byte> Data)
    : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.PublishForward;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteUInt64(Request);
        writer.WriteText(Channel);
        writer.WriteText(Key);
        writer.WriteCount(KeepMax);
        writer.WriteBytes(Data.Span);
    }

    /// <inheritdoc/>
    public bool Equals(PublishForward? other) =>
        other is not null && Partition == other.Partition && Request == other.Request && Channel == other.Channel && Key == other.Key
            && KeepMax == other.KeepMax
        && Data.Span.SequenceEqual(other.Data.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Partition, Request, Channel, Key);

    internal static PublishForward Read(ref WireReader reader) => new(
        reader.ReadCount(), reader.ReadUInt64(), reader.ReadText(), reader.ReadText(), reader.ReadCount(), reader.ReadBytes());
}

/// <summary>Home, or a node that is not the home, to edge: what became of a publication.</summary>
/// <param name="Partition">The channel's.</param>
/// <param name="Request">Of the publication.</param>
/// <param name="Outcome">What became of it.</param>
/// <param name="Position">Its place; <c>default</c> where it has none.</param>
/// <param name="Home">The highest term that the answering node knows for the partition.</param>
public sealed record PublishReply(int Partition, ulong Request, PublishOutcome Outcome, ChannelPosition Position, Term Home)
    : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.PublishReply;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteUInt64(Request);
        writer.WriteByte((byte)Outcome);
        writer.WritePosition(Position);
        writer.WriteTerm(Home);
    }

    internal static PublishReply Read(ref WireReader reader)
    {
        int partition = reader.ReadCount();
        ulong request = reader.ReadUInt64();
        var outcome = (PublishOutcome)reader.ReadByte();
        if (outcome is < PublishOutcome.Published or > PublishOutcome.Overloaded) reader.Fail();
        return new PublishReply(partition, request, outcome, reader.ReadPosition(), reader.ReadTerm());
    }
}

/// <summary>Home to edge: a publication that is on every replica.</summary>
/// <param name="Partition">The channel's.</param>
/// <param name="Entry">The publication.</param>
public sealed record Delivery(int Partition, LogEntry Entry) : IPartitionMessage
{
    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.Delivery;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
        writer.WriteCount(Partition);
        writer.WriteEntries([Entry]);
    }

    internal static Delivery Read(ref WireReader reader)
    {
        int partition = reader.ReadCount();
        IReadOnlyList<LogEntry> entries = reader.ReadEntries();
        if (entries is [var entry]) return new Delivery(partition, entry);
        reader.Fail();
        return new Delivery(partition, new LogEntry(LogEntryKind.Publication, 0, "", 0, 0));
    }
}

/// <summary>Each node to each peer, every 200 ms.</summary>
public sealed record Heartbeat : IClusterMessage
{
    /// <summary>The only one.</summary>
    public static Heartbeat Instance { get; } = new();

    /// <inheritdoc/>
    public ClusterMessageKind Kind => ClusterMessageKind.Heartbeat;

    /// <inheritdoc/>
    public void Write(WireWriter writer)
    {
    }
}
