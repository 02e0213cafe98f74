using System.Buffers;
using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;
using Broker.Cluster.Protocol.Register;
using Broker.Tests.Support;

namespace Broker.Tests.Cluster;

public class ClusterSerializerTests
{
    private static readonly Term s_term = new(7, new MemberId(0xABCDEF));
    private static readonly LogEntry s_entry =
        new(LogEntryKind.Publication, 5, "комната", ulong.MaxValue, 6)
            { Key = "k", TimeMilliseconds = -1, KeepMax = 9, Data = new byte[] { 1, 2 } };
    private static readonly RegisterRecord s_record =
        new(s_term, new ReplicaSet(s_term, 3, new Term(1, new MemberId(2))) { Stores = [new StoreId(8), new StoreId(9)] });
    private static readonly PresenceEntry s_client = new("c", "client", new byte[] { 3 });

    private static IClusterMessage[] Messages =>
    [
        new Promise(1, s_term), new Promised(2, s_term, Term.None, 4), new Refused(3, s_term, Term.None),
            new Sync(4, s_term, 5, Term.None, 6),
        new Append(5, s_term, 6, 7, [s_entry, s_entry with { Kind = LogEntryKind.Trim, Data = default }]), new Append(5, s_term, 6, 7, []),
        new Appended(6, s_term, 7, 8), new Fetch(7, s_term, 8, 9), new SnapshotPart(8, s_term, 9, 10, true, Term.None, 11, [s_entry]),
        new HandOver(9, s_term), new Announce(10, s_term), new Recall(11, s_term), new Recalled(12, s_term, s_record),
            new Recalled(12, s_term, RegisterRecord.Empty),
        new Listen(1, 2, "c", new ChannelPosition(3, 4)), new Listen(1, 2, "", null), new Listening(1, 2, "c", default, true, [s_entry]),
            new Unlisten(1, 2, "c"),
        new InterestDigest(1, 2, 3, 4), new InterestWanted(1), new InterestList(1, 2, true, ["a", "ü"]),
        new PresenceJoin(1, 2, s_client), new PresenceLeave(1, 2, "c", "d"), new PresenceDigest(1, 2, 3, 4), new PresenceWanted(5),
            new PresenceList(1, 2, true, false, [s_client]),
        new PublishForward(1, 2, "c", "k", 3, new byte[] { 4 }),
            new PublishReply(1, 2, PublishOutcome.Unknown, new ChannelPosition(1, 2), s_term), new Delivery(1, s_entry),
        Heartbeat.Instance,
    ];

    [Fact]
    public void Every_message_survives_its_bytes()
    {
        foreach (IClusterMessage message in Messages)
        {
            byte[] bytes = ClusterSerializer.Write(message);
            Assert.Equal(OperationStatus.Done, ClusterSerializer.Read(bytes, out IClusterMessage? read, out int consumed));
            Assert.Equal(bytes.Length, consumed);
            Assert.Equal(message, read);
        }

        Assert.Equal(Enum.GetValues<ClusterMessageKind>(), Messages.Select(static each => each.Kind).Distinct().Order());
    }

    [Fact]
    public void Messages_are_read_one_after_the_other()
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (IClusterMessage message in Messages) ClusterSerializer.Write(message, output);
        ReadOnlySpan<byte> rest = output.WrittenSpan;
        foreach (IClusterMessage message in Messages)
        {
            Assert.Equal(OperationStatus.Done, ClusterSerializer.Read(rest, out IClusterMessage? read, out int consumed));
            Assert.Equal(message, read);
            rest = rest[consumed..];
        }
    }

    [Fact]
    public void Cut_bytes_wait_and_wrong_lengths_are_refused()
    {
        foreach (IClusterMessage message in Messages)
        {
            byte[] bytes = ClusterSerializer.Write(message);
            for (int length = 0; length < bytes.Length; length++)
            {
                Assert.Equal(OperationStatus.NeedMoreData, ClusterSerializer.Read(bytes.AsSpan(0, length), out _, out _));
                if (length < ClusterSerializer.HeadBytes) continue;
                byte[] cut = bytes[..length];
                BitConverter.TryWriteBytes(cut.AsSpan(2), length - ClusterSerializer.HeadBytes);
                Assert.Equal(OperationStatus.InvalidData, ClusterSerializer.Read(cut, out _, out _));
            }

            byte[] extended = [.. bytes, 0];
            BitConverter.TryWriteBytes(extended.AsSpan(2), extended.Length - ClusterSerializer.HeadBytes);
            Assert.Equal(OperationStatus.InvalidData, ClusterSerializer.Read(extended, out _, out _));
            extended[0] = 2;        // A newer version may have more fields.
            Assert.Equal(OperationStatus.Done, ClusterSerializer.Read(extended, out IClusterMessage? read, out _));
            Assert.Equal(message, read);
        }
    }

    [Fact]
    public void Flipped_bytes_are_read_or_refused_without_an_exception()
    {
        foreach (IClusterMessage message in Messages)
        {
            byte[] bytes = ClusterSerializer.Write(message);
            for (int at = 0; at < bytes.Length; at++)
            {
                foreach (byte mask in (byte[])[0x01, 0x80, 0xFF])
                {
                    byte[] flipped = [.. bytes];
                    flipped[at] ^= mask;
                    OperationStatus status = ClusterSerializer.Read(flipped, out IClusterMessage? read, out _);
                    Assert.Equal(status == OperationStatus.Done, read is not null);
                }
            }
        }
    }

    [Fact]
    public void Memory_is_not_allocated_from_a_declared_length()
    {
        byte[] append = ClusterSerializer.Write(new Append(5, s_term, 6, 7, []));
        BitConverter.TryWriteBytes(append.AsSpan(append.Length - 4), int.MaxValue);      // The count of entries.
        byte[] names = ClusterSerializer.Write(new InterestList(1, 2, true, []));
        BitConverter.TryWriteBytes(names.AsSpan(names.Length - 4), int.MaxValue);
        byte[] longer = ClusterSerializer.Write(Heartbeat.Instance);
        BitConverter.TryWriteBytes(longer.AsSpan(2), ClusterSerializer.BodyBytesMax + 1);
        ClusterSerializer.Read(append, out _, out _);

        long allocated = Allocations.Least(() =>
        {
            Assert.Equal(OperationStatus.InvalidData, ClusterSerializer.Read(append, out _, out _));
            Assert.Equal(OperationStatus.InvalidData, ClusterSerializer.Read(names, out _, out _));
            Assert.Equal(OperationStatus.InvalidData, ClusterSerializer.Read(longer, out _, out _));
        }, enough: 20_000);
        Assert.InRange(allocated, 0, 20_000);
    }

    [Fact]
    public void Register_records_survive_their_bytes()
    {
        Assert.Equal(s_record, RegisterSerializer.Read(RegisterSerializer.Write(s_record)));
        Assert.Equal(RegisterRecord.Empty, RegisterSerializer.Read(RegisterSerializer.Write(RegisterRecord.Empty)));
        byte[] bytes = RegisterSerializer.Write(s_record);
        for (int length = 0; length < bytes.Length; length++) Assert.Null(RegisterSerializer.Read(bytes.AsSpan(0, length)));
        Assert.Null(RegisterSerializer.Read([.. bytes, 0]));
    }
}
