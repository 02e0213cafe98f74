using System.Text.Unicode;

namespace Broker.Dialects.Centrifuge.Wire.Protobuf;

/// <summary>Walks the fields of one Protobuf message in borrowed bytes and reads their values by type.</summary>
/// <param name="message">The message, without the length before it. Borrowed.</param>
/// <remarks>
/// The first thing that is malformed or out of its range sets <see cref="Reason"/>, and then no field is found any more, so
/// that callers need not look after each value. Nothing is allocated, and a declared length is only compared with the bytes
/// that are there. Groups, which proto3 does not have, are refused.
/// </remarks>
internal ref struct ProtobufReader(ReadOnlySpan<byte> message)
{
    private const int FieldMax = (1 << 29) - 1;

    private ReadOnlySpan<byte> _rest = message;
    private WireType _type;

    /// <summary>What is wrong, or null.</summary>
    public string? Reason { get; private set; }

    /// <summary>Reads a varint of at most 64 bits.</summary>
    /// <param name="bytes">Begins with the varint.</param>
    /// <param name="value">The number.</param>
    /// <returns>Bytes of the varint, 1 to 10; 0 if the bytes end inside it; -1 if it has more than 64 bits.</returns>
    public static int ReadVarint(ReadOnlySpan<byte> bytes, out ulong value)
    {
        const int bytesMax = 10;
        value = 0;
        for (int i = 0; i < bytesMax; i++)
        {
            if (i == bytes.Length) return 0;
            byte next = bytes[i];
            if (i == bytesMax - 1 && next > 1) return -1;
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80) return i + 1;
        }

        return -1;
    }

    /// <summary>Goes to the next field, whose value is to be read or skipped; false at the end, or if something is wrong.</summary>
    public bool Next(out int field)
    {
        field = 0;
        if (Reason is not null || _rest.IsEmpty) return false;
        if (!TryTakeVarint(out ulong tag)) return false;

        ulong number = tag >> 3;
        _type = (WireType)(tag & 7);
        if (number is 0 or > FieldMax) Refuse("A field has a number that Protobuf does not have.");
        else if (_type is not (WireType.Varint or WireType.Fixed64 or WireType.Bytes or WireType.Fixed32))
            Refuse("A field is a group, or of no wire type.");
        else field = (int)number;
        return Reason is null;
    }

    /// <summary>Steps over the value.</summary>
    public void Skip()
    {
        switch (_type)
        {
            case WireType.Varint: TryTakeVarint(out _); break;
            case WireType.Bytes: TakeBytes(); break;
            case WireType.Fixed64: Take(8); break;
            default: Take(4); break;
        }
    }

    /// <summary>Bytes, or a message. Borrowed.</summary>
    public ReadOnlySpan<byte> Bytes(string name) => Is(WireType.Bytes, name) ? TakeBytes() : default;

    /// <summary>A text. Borrowed, UTF-8.</summary>
    public ReadOnlySpan<byte> Text(string name)
    {
        ReadOnlySpan<byte> text = Bytes(name);
        if (Utf8.IsValid(text)) return text;
        Refuse($"{name} is not UTF-8.");
        return default;
    }

    /// <summary>True or false.</summary>
    public bool Flag(string name) => Varint(name) != 0;

    /// <summary>A whole number from 0 to 2^64 - 1.</summary>
    public ulong UInt64(string name) => Varint(name);

    /// <summary>A whole number from -2^63 to 2^63 - 1.</summary>
    public long Int64(string name) => (long)Varint(name);

    /// <summary>A whole number from 0 to 2^32 - 1.</summary>
    public uint UInt32(string name)
    {
        ulong value = Varint(name);
        if (value <= uint.MaxValue) return (uint)value;
        Refuse($"{name} is not a whole number from 0 to 2^32 - 1.");
        return 0;
    }

    /// <summary>A whole number from -2^31 to 2^31 - 1; a negative one in 10 bytes, or in 5 as some write it.</summary>
    public int Int32(string name)
    {
        ulong value = Varint(name);
        if (value <= uint.MaxValue || (long)value is >= int.MinValue and < 0) return (int)value;
        Refuse($"{name} is not a whole number from -2^31 to 2^31 - 1.");
        return 0;
    }

    /// <summary>Notes what is wrong, unless something was before.</summary>
    public void Refuse(string reason) => Reason ??= reason;

    private ulong Varint(string name)
    {
        if (Is(WireType.Varint, name) && TryTakeVarint(out ulong value)) return value;
        return 0;
    }

    private bool Is(WireType type, string name)
    {
        if (_type == type) return true;
        Refuse($"{name} has a wrong wire type.");
        return false;
    }

    private bool TryTakeVarint(out ulong value)
    {
        int size = ReadVarint(_rest, out value);
        if (size > 0)
        {
            _rest = _rest[size..];
            return true;
        }

        Refuse(size == 0 ? "A number ends with the message." : "A number has more than 64 bits.");
        return false;
    }

    private ReadOnlySpan<byte> TakeBytes() => TryTakeVarint(out ulong length) ? Take(length) : default;

    private ReadOnlySpan<byte> Take(ulong length)
    {
        if (length > (ulong)_rest.Length)
        {
            Refuse("A field is longer than the message around it.");
            return default;
        }

        ReadOnlySpan<byte> taken = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return taken;
    }
}
