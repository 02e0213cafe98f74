using System.Buffers;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Broker.Core.Framing;

/// <summary>Reads frame headers out of borrowed wire bytes. Copies nothing, allocates nothing.</summary>
/// <param name="wire">Whole frames and then, perhaps, the first bytes of one more.</param>
public ref struct FrameReader(ReadOnlySpan<byte> wire)
{
    private readonly ReadOnlySpan<byte> _wire = wire;

    /// <summary>Bytes of the span read so far.</summary>
    public int Position { get; private set; }

    /// <summary>
    /// After <c>NeedMoreData</c>: the fewest bytes, counted from <see cref="Position"/>, with which the next try
    /// can send more. 2 while the second byte is missing; then the whole header: 2, 4 or 10, and 4 for a key.
    /// </summary>
    public int Needed { get; private set; }

    /// <summary>Reads the next header and stops before its payload. RFC 6455 section 5.2.</summary>
    /// <param name="header">The header, or <c>default</c> on any answer but <c>Done</c>.</param>
    /// <returns>
    /// <c>Done</c>: <see cref="Position"/> moved by 2 to 14 bytes.
    /// <c>NeedMoreData</c>: the span ends inside the header, and <see cref="Position"/> has not moved.
    /// <c>InvalidData</c>: the length passes 2^63 - 1 or is not in its shortest form; close with 1002.
    /// </returns>
    /// <remarks>Says nothing about rules between frames: that is <see cref="FrameRules.Check"/>'s part.</remarks>
    public OperationStatus ReadHeader(out FrameHeader header)
    {
        header = default;
        ReadOnlySpan<byte> rest = _wire[Position..];
        Needed = 2;
        if (rest.Length < 2) return OperationStatus.NeedMoreData;

        bool masked = (rest[1] & 0b1000_0000) != 0;
        int lengthCode = rest[1] & 0b0111_1111;
        int keyOffset = lengthCode switch { 127 => 10, 126 => 4, _ => 2 };
        int size = Needed = keyOffset + (masked ? 4 : 0);
        if (rest.Length < size) return OperationStatus.NeedMoreData;

        long length = lengthCode switch
        {
            127 => ReadInt64BigEndian(rest[2..]),
            126 => ReadUInt16BigEndian(rest[2..]),
            _ => lengthCode,
        };
        var read = new FrameHeader(
            Final: (rest[0] & 0b1000_0000) != 0,
            Reserved: (byte)((rest[0] >> 4) & 0b111),
            Opcode: (Opcode)(rest[0] & 0b1111),
            PayloadLength: length,
            MaskingKey: masked ? ReadUInt32BigEndian(rest[keyOffset..]) : null);

        // "The minimal number of bytes MUST be used": the size we would write is the size we read.
        if (length < 0 || read.Size != size) return OperationStatus.InvalidData;

        header = read;
        Position += size;
        return OperationStatus.Done;
    }

    /// <summary>Moves past a payload, so that the next header can be read.</summary>
    /// <param name="payloadBytes">The payload's length; it has to lie in the span.</param>
    /// <returns>The payload, still masked if the header had a key.</returns>
    public ReadOnlySpan<byte> TakePayload(int payloadBytes)
    {
        ReadOnlySpan<byte> payload = _wire.Slice(Position, payloadBytes);
        Position += payloadBytes;
        return payload;
    }
}
