using static System.Buffers.Binary.BinaryPrimitives;

namespace Broker.Core.Protocol.Messages;

/// <summary>Writes little-endian fields, one behind the other. What it writes, <see cref="BodyReader"/> reads.</summary>
/// <param name="target">Room for all of them; borrowed. Running out of it throws, as the room was measured.</param>
public ref struct BodyWriter(Span<byte> target)
{
    private readonly Span<byte> _target = target;

    /// <summary>Bytes written so far.</summary>
    public int Position { get; private set; }

    /// <summary>One byte.</summary>
    public void PutByte(byte value) => _target[Position++] = value;

    /// <summary>Two bytes.</summary>
    public void PutShort(ushort value)
    {
        WriteUInt16LittleEndian(_target[Position..], value);
        Position += sizeof(ushort);
    }

    /// <summary>Four bytes.</summary>
    public void PutWord(uint value)
    {
        WriteUInt32LittleEndian(_target[Position..], value);
        Position += sizeof(uint);
    }

    /// <summary>Eight bytes.</summary>
    public void PutLong(ulong value)
    {
        WriteUInt64LittleEndian(_target[Position..], value);
        Position += sizeof(ulong);
    }

    /// <summary>Bytes as they are.</summary>
    public void PutBytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_target[Position..]);
        Position += bytes.Length;
    }

    /// <summary>One byte of length, then the bytes.</summary>
    /// <exception cref="OverflowException">More than 255.</exception>
    public void PutByteText(ReadOnlySpan<byte> text)
    {
        PutByte(checked((byte)text.Length));
        PutBytes(text);
    }

    /// <summary>Two bytes of length, then the bytes.</summary>
    /// <exception cref="OverflowException">More than 65,535.</exception>
    public void PutShortBytes(ReadOnlySpan<byte> bytes)
    {
        PutShort(checked((ushort)bytes.Length));
        PutBytes(bytes);
    }

    /// <summary>Four bytes of length, then the bytes.</summary>
    public void PutLongBytes(ReadOnlySpan<byte> bytes)
    {
        PutWord((uint)bytes.Length);
        PutBytes(bytes);
    }
}
