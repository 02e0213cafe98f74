using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Broker.Core.Buffers;
using static System.Buffers.Binary.BinaryPrimitives;

namespace Broker.Core.Framing;

/// <summary>The replies of one turn: one range, in the input's own buffer while they fit there, else in one of the pool.</summary>
/// <param name="pool">Where a buffer comes from when the input has no room.</param>
internal struct TurnOutput(BufferPool pool)
{
    private byte[] _input = [];
    private int _low;          // Where the turn's bytes begin in the input's buffer.
    private byte[]? _buffer;
    private byte[]? _retired;  // An adopted buffer that became too small; a message may still lie in it.
    private int _start;

    /// <summary>Where the range ends: the next reply begins here.</summary>
    public int End { get; private set; }

    /// <summary>Whether the range lies in the input's buffer.</summary>
    public bool InPlace { get; private set; }

    /// <summary>Whether nothing was written.</summary>
    public readonly bool IsEmpty => _buffer is null;

    /// <summary>The range.</summary>
    public readonly ReadOnlyMemory<byte> Range => new(_buffer, _start, End - _start);

    /// <summary>Begins without output.</summary>
    /// <param name="input">The input's buffer.</param>
    /// <param name="low">Where in it the turn's bytes begin.</param>
    public void Begin(byte[] input, int low)
    {
        _input = input;
        _low = low;
    }

    /// <summary>Makes a frame of a payload that lies in the input's buffer, just where the range ends or can begin.</summary>
    /// <param name="opcode">Text or binary.</param>
    /// <param name="length">The payload's length.</param>
    /// <param name="at">Where in the input's buffer it lies.</param>
    /// <returns>False, and nothing written, when the payload does not lie one header behind the range.</returns>
    public bool TryEcho(Opcode opcode, int length, int at)
    {
        int begin = at - FrameHeader.SizeOf(length, masked: false);
        if (InPlace ? begin != End : _buffer is not null || begin < _low) return false;

        WriteHeader(ref Unsafe.Add(ref MemoryMarshal.GetArrayDataReference(_input), begin), opcode, length);
        if (!InPlace) (_buffer, _start, InPlace) = (_input, begin, true);
        End = at + length;
        return true;
    }

    /// <summary>Takes over a rented buffer with one frame in it as the first output.</summary>
    public void Adopt(byte[] rented, int start, int end)
    {
        _buffer = rented;
        _start = start;
        End = end;
    }

    /// <summary>Writes a frame behind the others.</summary>
    /// <param name="header">What stands before the payload.</param>
    /// <param name="payload">Copied; may lie anywhere but in the range itself.</param>
    /// <param name="limit">Where in the input's buffer those bytes begin that are still needed.</param>
    public void Append(in FrameHeader header, ReadOnlySpan<byte> payload, int limit)
    {
        int headerBytes = header.Size;
        int bytes = checked(headerBytes + payload.Length);
        if (_buffer is null && limit - _low >= bytes)
        {
            _buffer = _input;
            _start = End = _low;
            InPlace = true;
        }
        else if (_buffer is null || (InPlace ? limit : _buffer.Length) - End < bytes)
        {
            MoveOut(bytes);
        }

        // The payload may lie right behind the range, so it moves before the header is written.
        Span<byte> frame = _buffer.AsSpan(End, bytes);
        payload.CopyTo(frame[headerBytes..]);
        FrameWriter.WriteHeader(frame, header);
        if (header.MaskingKey is { } key) Masking.Apply(frame[headerBytes..], key);
        End += bytes;
    }

    /// <summary>Returns what was rented.</summary>
    public void Clear()
    {
        if (_buffer is not null && !InPlace) pool.Return(_buffer);
        if (_retired is not null) pool.Return(_retired);
        _buffer = _retired = null;
        _input = [];
        _start = End = 0;
        InPlace = false;
    }

    private void MoveOut(int more)
    {
        int length = End - _start;
        int needed = checked(length + more);
        byte[] moved = pool.Rent((int)Math.Max(needed, Math.Min(2L * length, Array.MaxLength)));
        _buffer.AsSpan(_start, length).CopyTo(moved);
        if (_buffer is not null && !InPlace)
        {
            if (_retired is null) _retired = _buffer;
            else pool.Return(_buffer);
        }

        _buffer = moved;
        _start = 0;
        End = length;
        InPlace = false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void WriteHeader(ref byte start, Opcode opcode, int length)
    {
        start = (byte)(0b1000_0000 | (byte)opcode);
        ref byte second = ref Unsafe.Add(ref start, 1);
        ref byte extended = ref Unsafe.Add(ref start, 2);
        if (length <= 125)
        {
            second = (byte)length;
        }
        else if (length <= ushort.MaxValue)
        {
            second = 126;
            WriteUInt16BigEndian(MemoryMarshal.CreateSpan(ref extended, sizeof(ushort)), (ushort)length);
        }
        else
        {
            second = 127;
            WriteInt64BigEndian(MemoryMarshal.CreateSpan(ref extended, sizeof(long)), length);
        }
    }
}
