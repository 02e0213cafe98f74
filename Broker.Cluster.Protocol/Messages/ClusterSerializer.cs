using System.Buffers;
using System.Buffers.Binary;

namespace Broker.Cluster.Protocol.Messages;

/// <summary>The bytes of the messages between nodes.</summary>
/// <remarks>
/// <code>
/// u8 version (1)   u8 kind   u32 length of the rest, at most 1 MiB by default   the rest
/// text, bytes: u32 length, then as many     list: u32 count, then the items     optional: u8 0, or u8 1 and the value
/// integers: little endian, of a fixed width
/// </code>
/// Fields stand in the order of their declaration. A message of this version has exactly its fields; a newer version may put fields behind
/// them, which this one passes over.
/// </remarks>
public static class ClusterSerializer
{
    /// <summary>The version that is written.</summary>
    public const byte Version = 1;

    /// <summary>Bytes ahead of the fields.</summary>
    public const int HeadBytes = 6;

    /// <summary>The longest message that is read unless the caller says otherwise.</summary>
    public const int BodyBytesMax = 1 << 20;

    /// <summary>Writes a message.</summary>
    /// <returns>The bytes; an array of their own.</returns>
    public static byte[] Write(IClusterMessage message)
    {
        var output = new ArrayBufferWriter<byte>(64);
        Write(message, output);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Appends a message.</summary>
    /// <returns>How many bytes it took.</returns>
    public static int Write(IClusterMessage message, ArrayBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(message);
        ArgumentNullException.ThrowIfNull(output);
        int start = output.WrittenCount;
        var writer = new WireWriter(output);
        writer.WriteByte(Version);
        writer.WriteByte((byte)message.Kind);
        writer.WriteUInt32(0);
        message.Write(writer);
        int bytes = output.WrittenCount - start;

        // The length is known now; the writer's memory is still the one that was written.
        Span<byte> written = System.Runtime.InteropServices.MemoryMarshal.AsMemory(output.WrittenMemory).Span;
        BinaryPrimitives.WriteUInt32LittleEndian(written[(start + 2)..], (uint)(bytes - HeadBytes));
        return bytes;
    }

    /// <summary>Reads the next message.</summary>
    /// <param name="bytes">What has arrived; borrowed.</param>
    /// <param name="message">The message; it owns its values. Null on any status but <c>Done</c>.</param>
    /// <param name="consumed">The message's bytes; 0 on any status but <c>Done</c>.</param>
    /// <param name="bodyBytesMax">The longest body that is read.</param>
    /// <returns>
    /// <c>Done</c>: a whole message. <c>NeedMoreData</c>: the message goes on behind the span. <c>InvalidData</c>: no message begins so, or
    /// it is too long; the lane ends.
    /// </returns>
    public static OperationStatus Read(
        ReadOnlySpan<byte> bytes, out IClusterMessage? message, out int consumed, int bodyBytesMax = BodyBytesMax)
    {
        (message, consumed) = (null, 0);
        if (bytes.Length > 0 && bytes[0] < Version) return OperationStatus.InvalidData;
        if (bytes.Length < HeadBytes) return OperationStatus.NeedMoreData;
        uint length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[2..]);
        if (length > (uint)bodyBytesMax) return OperationStatus.InvalidData;
        if (bytes.Length - HeadBytes < length) return OperationStatus.NeedMoreData;

        var reader = new WireReader(bytes.Slice(HeadBytes, (int)length));
        IClusterMessage? read = ReadBody((ClusterMessageKind)bytes[1], ref reader);
        if (read is null || !reader.IsGood || (bytes[0] == Version && reader.Left > 0)) return OperationStatus.InvalidData;
        (message, consumed) = (read, HeadBytes + (int)length);
        return OperationStatus.Done;
    }

    private static IClusterMessage? ReadBody(ClusterMessageKind kind, ref WireReader reader) => kind switch
    {
        ClusterMessageKind.Promise => Promise.Read(ref reader),
        ClusterMessageKind.Promised => Promised.Read(ref reader),
        ClusterMessageKind.Refused => Refused.Read(ref reader),
        ClusterMessageKind.Sync => Sync.Read(ref reader),
        ClusterMessageKind.Append => Append.Read(ref reader),
        ClusterMessageKind.Appended => Appended.Read(ref reader),
        ClusterMessageKind.Fetch => Fetch.Read(ref reader),
        ClusterMessageKind.SnapshotPart => SnapshotPart.Read(ref reader),
        ClusterMessageKind.HandOver => HandOver.Read(ref reader),
        ClusterMessageKind.Announce => Announce.Read(ref reader),
        ClusterMessageKind.Listen => Listen.Read(ref reader),
        ClusterMessageKind.Listening => Listening.Read(ref reader),
        ClusterMessageKind.Unlisten => Unlisten.Read(ref reader),
        ClusterMessageKind.InterestDigest => InterestDigest.Read(ref reader),
        ClusterMessageKind.InterestWanted => InterestWanted.Read(ref reader),
        ClusterMessageKind.InterestList => InterestList.Read(ref reader),
        ClusterMessageKind.PresenceJoin => PresenceJoin.Read(ref reader),
        ClusterMessageKind.PresenceLeave => PresenceLeave.Read(ref reader),
        ClusterMessageKind.PresenceDigest => PresenceDigest.Read(ref reader),
        ClusterMessageKind.PresenceWanted => PresenceWanted.Read(ref reader),
        ClusterMessageKind.PresenceList => PresenceList.Read(ref reader),
        ClusterMessageKind.PublishForward => PublishForward.Read(ref reader),
        ClusterMessageKind.PublishReply => PublishReply.Read(ref reader),
        ClusterMessageKind.Delivery => Delivery.Read(ref reader),
        ClusterMessageKind.Heartbeat => Heartbeat.Instance,
        _ => null,
    };
}
