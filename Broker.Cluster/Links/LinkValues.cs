using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Broker.Cluster.Links;

/// <summary>Writes the values of a handshake: numbers of fixed width, texts behind their lengths.</summary>
internal readonly struct LinkValueWriter()
{
    private readonly ArrayBufferWriter<byte> _bytes = new(256);

    internal void WriteByte(byte value) => _bytes.Write([value]);

    internal void WriteUInt16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.GetSpan(sizeof(ushort)), value);
        _bytes.Advance(sizeof(ushort));
    }

    internal void WriteUInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.GetSpan(sizeof(ulong)), value);
        _bytes.Advance(sizeof(ulong));
    }

    internal void WriteRaw(ReadOnlySpan<byte> value) => _bytes.Write(value);

    internal void WriteText(string value)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(value);
        WriteUInt16(checked((ushort)utf8.Length));
        _bytes.Write(utf8);
    }

    internal byte[] ToArray() => _bytes.WrittenSpan.ToArray();
}

/// <summary>Reads what <see cref="LinkValueWriter"/> wrote. Once something is missing, everything reads as nothing.</summary>
internal ref struct LinkValueReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Whether all that was read was there.</summary>
    internal bool IsGood { get; private set; } = true;

    internal byte ReadByte() => Take(1) is [var value] ? value : (byte)0;

    internal ushort ReadUInt16() =>
        Take(sizeof(ushort)) is { Length: sizeof(ushort) } value ? BinaryPrimitives.ReadUInt16LittleEndian(value) : (ushort)0;

    internal uint ReadUInt32() => Take(sizeof(uint)) is { Length: sizeof(uint) } value ? BinaryPrimitives.ReadUInt32LittleEndian(value) : 0;

    internal ulong ReadUInt64() =>
        Take(sizeof(ulong)) is { Length: sizeof(ulong) } value ? BinaryPrimitives.ReadUInt64LittleEndian(value) : 0;

    internal string ReadText() => Encoding.UTF8.GetString(Take(ReadUInt16()));

    internal ReadOnlySpan<byte> Take(int count)
    {
        if (count <= _rest.Length)
        {
            ReadOnlySpan<byte> taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }

        IsGood = false;
        _rest = default;
        return default;
    }
}
