using System.Text.Unicode;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Broker.Core.Protocol.Messages;

/// <summary>Reads little-endian fields, one behind the other. Never throws, never looks past its end, allocates nothing.</summary>
/// <remarks>Once <see cref="Fault"/> is set it stays, and every further field is 0 or empty.</remarks>
public ref struct BodyReader
{
    private readonly bool _trusted;
    private ReadOnlySpan<byte> _rest;

    /// <summary>Reads fields that nothing has looked at.</summary>
    /// <param name="body">The bytes of one message, or of the arguments or results of a call. Borrowed.</param>
    public BodyReader(ReadOnlySpan<byte> body)
        : this(body, trusted: false)
    {
    }

    /// <summary>Reads fields; texts that are trusted have been judged before.</summary>
    internal BodyReader(ReadOnlySpan<byte> body, bool trusted)
    {
        _rest = body;
        _trusted = trusted;
    }

    /// <summary>The first thing that is wrong.</summary>
    public NativeFault Fault { get; private set; }

    /// <summary>Bytes that have not been read.</summary>
    public readonly int Left => _rest.Length;

    /// <summary>One byte.</summary>
    public byte NextByte()
    {
        ReadOnlySpan<byte> bytes = NextBytes(sizeof(byte));
        return bytes.IsEmpty ? (byte)0 : bytes[0];
    }

    /// <summary>One byte that may have no other bits than these.</summary>
    public byte NextFlags(byte known)
    {
        byte flags = NextByte();
        if ((flags & ~known) == 0) return flags;
        Fail(NativeFault.Malformed);
        return 0;
    }

    /// <summary>Two bytes.</summary>
    public ushort NextShort()
    {
        ReadOnlySpan<byte> bytes = NextBytes(sizeof(ushort));
        return bytes.IsEmpty ? (ushort)0 : ReadUInt16LittleEndian(bytes);
    }

    /// <summary>Four bytes.</summary>
    public uint NextWord()
    {
        ReadOnlySpan<byte> bytes = NextBytes(sizeof(uint));
        return bytes.IsEmpty ? 0 : ReadUInt32LittleEndian(bytes);
    }

    /// <summary>Eight bytes.</summary>
    public ulong NextLong()
    {
        ReadOnlySpan<byte> bytes = NextBytes(sizeof(ulong));
        return bytes.IsEmpty ? 0 : ReadUInt64LittleEndian(bytes);
    }

    /// <summary>
    /// Four bytes that count or bound something. From 2^31 on a number means what 2^31 - 1 does: more than there can ever be.
    /// </summary>
    /// <param name="min">The least that makes sense.</param>
    public int NextCount(int min = 0)
    {
        uint count = NextWord();
        if (count >= min) return (int)Math.Min(count, int.MaxValue);
        Fail(NativeFault.Malformed);
        return 0;
    }

    /// <summary>Eight bytes that count or bound something. From 2^63 on a number means what 2^63 - 1 does.</summary>
    /// <param name="min">The least that makes sense.</param>
    public long NextLength(long min = 0)
    {
        ulong length = NextLong();
        if (length >= (ulong)min) return (long)Math.Min(length, long.MaxValue);
        Fail(NativeFault.Malformed);
        return 0;
    }

    /// <summary>Exactly that many bytes, or none when fewer are left. Borrowed.</summary>
    public ReadOnlySpan<byte> NextBytes(int length)
    {
        if ((uint)length > (uint)_rest.Length)
        {
            Fail(NativeFault.Malformed);
            return default;
        }

        ReadOnlySpan<byte> bytes = _rest[..length];
        _rest = _rest[length..];
        return bytes;
    }

    /// <summary>Two bytes of length, then as many bytes. Borrowed.</summary>
    public ReadOnlySpan<byte> NextShortBytes() => NextBytes(NextShort());

    /// <summary>Four bytes of length, then as many bytes. Borrowed.</summary>
    public ReadOnlySpan<byte> NextLongBytes() => NextBytes(NextCount());

    /// <summary>One byte of length, then as many bytes of UTF-8. Borrowed.</summary>
    public ReadOnlySpan<byte> NextByteText() => Judge(NextBytes(NextByte()));

    /// <summary>Two bytes of length, then as many bytes of UTF-8. Borrowed.</summary>
    public ReadOnlySpan<byte> NextShortText() => Judge(NextShortBytes());

    /// <summary>All that is left, which has to be UTF-8. Borrowed.</summary>
    public ReadOnlySpan<byte> RestText() => Judge(Rest());

    /// <summary>All that is left. Borrowed.</summary>
    public ReadOnlySpan<byte> Rest()
    {
        ReadOnlySpan<byte> rest = _rest;
        _rest = default;
        return rest;
    }

    /// <summary>Says that the last field has been read: what is left over is a fault.</summary>
    public NativeFault End()
    {
        if (!_rest.IsEmpty) Fail(NativeFault.Malformed);
        return Fault;
    }

    /// <summary>Sets a fault that only the reader of the fields can see.</summary>
    public void Fail(NativeFault fault)
    {
        if (Fault == NativeFault.None) Fault = fault;
        _rest = default;
    }

    private ReadOnlySpan<byte> Judge(ReadOnlySpan<byte> text)
    {
        if (_trusted || Utf8.IsValid(text)) return text;
        Fail(NativeFault.NotUtf8);
        return default;
    }
}
