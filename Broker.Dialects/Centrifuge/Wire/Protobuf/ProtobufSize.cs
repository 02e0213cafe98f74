using System.Numerics;

namespace Broker.Dialects.Centrifuge.Wire.Protobuf;

/// <summary>Sizes of what Protobuf writes, and its varints, in as few bytes as they need.</summary>
internal static class ProtobufSize
{
    /// <summary>Bytes of the longest varint.</summary>
    public const int VarintBytesMax = 10;

    /// <summary>Bytes of a number.</summary>
    public static int OfVarint(ulong value) => (BitOperations.Log2(value | 1) / 7) + 1;

    /// <summary>Bytes of a field that is so many bytes long, with its tag and length.</summary>
    public static int OfBytes(int field, int length) => OfVarint((ulong)field << 3) + OfVarint((ulong)length) + length;

    /// <summary>Bytes of a field that is a number, with its tag.</summary>
    public static int OfNumber(int field, ulong value) => OfVarint((ulong)field << 3) + OfVarint(value);

    /// <summary>Writes a number.</summary>
    /// <returns>Its bytes.</returns>
    public static int WriteVarint(Span<byte> target, ulong value)
    {
        int at = 0;
        for (; value >= 0x80; value >>= 7) target[at++] = (byte)(value | 0x80);
        target[at++] = (byte)value;
        return at;
    }

    /// <summary>Writes the tag and the length of a field that is bytes.</summary>
    /// <returns>Its bytes.</returns>
    public static int WriteHead(Span<byte> target, int field, int length)
    {
        int at = WriteVarint(target, ((ulong)field << 3) | (ulong)WireType.Bytes);
        return at + WriteVarint(target[at..], (ulong)length);
    }
}
