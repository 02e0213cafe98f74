using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Broker.Actors.Channels.Home;

/// <summary>Writes values of fixed width, and texts and bytes behind their lengths.</summary>
internal readonly struct ValueWriter()
{
    private readonly ArrayBufferWriter<byte> _bytes = new(256);

    internal void WriteByte(byte value)
    {
        _bytes.GetSpan(1)[0] = value;
        _bytes.Advance(1);
    }

    internal void WriteBool(bool value) => WriteByte(value ? (byte)1 : (byte)0);

    internal void WriteUInt32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.GetSpan(sizeof(uint)), value);
        _bytes.Advance(sizeof(uint));
    }

    internal void WriteUInt64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.GetSpan(sizeof(ulong)), value);
        _bytes.Advance(sizeof(ulong));
    }

    internal void WriteBytes(ReadOnlySpan<byte> value)
    {
        WriteUInt32((uint)value.Length);
        _bytes.Write(value);
    }

    internal void WriteText(string value)
    {
        WriteUInt32((uint)Encoding.UTF8.GetByteCount(value));
        Encoding.UTF8.GetBytes(value, _bytes);
    }

    internal byte[] ToArray() => _bytes.WrittenSpan.ToArray();
}
