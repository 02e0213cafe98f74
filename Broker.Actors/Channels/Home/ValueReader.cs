using System.Buffers.Binary;
using System.Text;

namespace Broker.Actors.Channels.Home;

/// <summary>Reads what <see cref="ValueWriter"/> wrote. Once something is missing everything reads as nothing.</summary>
internal ref struct ValueReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <summary>Whether all that was read was there.</summary>
    internal bool IsGood { get; private set; } = true;

    internal byte ReadByte() => Take(1) is [var value] ? value : (byte)0;

    internal bool ReadBool() => ReadByte() != 0;

    internal ulong ReadUInt64() =>
        Take(sizeof(ulong)) is { Length: sizeof(ulong) } value ? BinaryPrimitives.ReadUInt64LittleEndian(value) : 0;

    /// <summary>A count or a length; more than a positive <c>int</c> is bad.</summary>
    internal int ReadCount()
    {
        uint value = Take(sizeof(uint)) is { Length: sizeof(uint) } found ? BinaryPrimitives.ReadUInt32LittleEndian(found) : 0;
        if (value <= int.MaxValue) return (int)value;
        Fail();
        return 0;
    }

    internal byte[] ReadBytes() => Take(ReadCount()).ToArray();

    internal string ReadText() => Encoding.UTF8.GetString(Take(ReadCount()));

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
        {
            Fail();
            return default;
        }

        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private void Fail()
    {
        IsGood = false;
        _rest = default;
    }
}
