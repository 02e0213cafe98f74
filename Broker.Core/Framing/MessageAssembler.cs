using Broker.Core.Buffers;

namespace Broker.Core.Framing;

/// <summary>Collects one message that came in fragments, or in pieces of a frame: unmasked, judged, and in one buffer.</summary>
/// <remarks>
/// The buffer grows with the bytes that have really arrived, by doubling; a declared length alone costs nothing. Ten bytes
/// before the payload stay free, so that the header of a reply can be written there.
/// </remarks>
/// <param name="pool">Where the buffer comes from.</param>
public sealed class MessageAssembler(BufferPool pool)
{
    /// <summary>Free bytes before the payload: the longest unmasked header.</summary>
    public const int HeaderRoom = 10;

    private byte[]? _buffer;
    private int _length;        // Payload bytes in the buffer.
    private int _bytesMax;
    private int _fragments;
    private uint _key;          // Of the frame at hand; 0 when it is not masked.
    private int _phase;         // Payload bytes of the frame at hand that have arrived, mod 4.
    private bool _final;
    private bool _judged;       // The message is text that no extension has transformed.
    private Utf8Progress _text;

    /// <summary>Of the first frame: what the message is.</summary>
    public Opcode Opcode { get; private set; }

    /// <summary>Of the first frame: the bits of an extension.</summary>
    public byte Reserved { get; private set; }

    /// <summary>Payload bytes of the frame at hand that have not arrived.</summary>
    public long FrameLeft { get; private set; }

    /// <summary>Whether the last byte of the final frame has arrived.</summary>
    public bool IsComplete => _final && FrameLeft == 0;

    /// <summary>What has arrived, unmasked. Borrowed until the next call of another member.</summary>
    public Span<byte> Payload => _buffer.AsSpan(_buffer is null ? 0 : HeaderRoom, _length);

    /// <summary>Begins the next frame of the message. Its payload follows by <see cref="Append"/>, be it empty.</summary>
    /// <param name="header">A header that keeps <see cref="FrameRules"/>.</param>
    /// <param name="bytesMax">The longest message in bytes.</param>
    /// <param name="fragmentsMax">The most frames of one message.</param>
    /// <returns>1009 when the declared length would pass the first limit, 1008 for the second, or none.</returns>
    public FrameViolation? BeginFrame(in FrameHeader header, int bytesMax, int fragmentsMax)
    {
        if (header.PayloadLength > bytesMax - _length) return FrameViolation.MessageTooBig(bytesMax);
        if (++_fragments > fragmentsMax) return FrameViolation.TooManyFragments(fragmentsMax);

        if (_fragments == 1)
        {
            Opcode = header.Opcode;
            Reserved = header.Reserved;
            _judged = Opcode == Opcode.Text && Reserved == 0;
        }

        _bytesMax = bytesMax;
        _key = header.MaskingKey ?? 0;
        _phase = 0;
        _final = header.Final;
        FrameLeft = header.PayloadLength;
        return null;
    }

    /// <summary>Takes the next piece of the frame at hand.</summary>
    /// <param name="wire">As it came, still masked; at most <see cref="FrameLeft"/> bytes. Borrowed and left as it is.</param>
    /// <returns>1007 when the message is text and can not be UTF-8 any more, or none.</returns>
    public FrameViolation? Append(ReadOnlySpan<byte> wire)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(wire.Length, FrameLeft);
        if (!wire.IsEmpty)
        {
            Span<byte> target = Room(wire.Length);
            Masking.Copy(wire, target, _key, _phase);
            _phase = (_phase + wire.Length) & 3;
            _length += wire.Length;
            FrameLeft -= wire.Length;
            if (_judged && !_text.TryAdvance(target)) return FrameViolation.TextNotUtf8;
        }

        return _judged && IsComplete && !_text.IsComplete ? FrameViolation.TextNotUtf8 : null;
    }

    /// <summary>Hands over the buffer: <see cref="HeaderRoom"/> free bytes, then the payload. The taker gives it back.</summary>
    /// <returns>None when no byte of payload has arrived.</returns>
    public byte[]? TakeBuffer()
    {
        byte[]? taken = _buffer;
        _buffer = null;
        _length = 0;
        return taken;
    }

    /// <summary>Returns the buffer and is ready for another message.</summary>
    public void Clear()
    {
        if (TakeBuffer() is { } buffer) pool.Return(buffer);
        _fragments = 0;
        _final = false;
        _text = default;
        FrameLeft = 0;
    }

    private Span<byte> Room(int bytes)
    {
        int needed = checked(HeaderRoom + _length + bytes);
        if (_buffer is null || _buffer.Length < needed) Grow(needed);
        return _buffer.AsSpan(HeaderRoom + _length, bytes);
    }

    private void Grow(int needed)
    {
        // Never more than the message can come to: what the final frame has declared, or else the limit.
        long most = HeaderRoom + (_final ? _length + FrameLeft : _bytesMax);
        long doubled = Math.Min(2L * (_buffer?.Length ?? 0), Math.Min(most, Array.MaxLength));
        byte[] grown = pool.Rent((int)Math.Max(needed, doubled));
        if (_buffer is not null)
        {
            _buffer.AsSpan(HeaderRoom, _length).CopyTo(grown.AsSpan(HeaderRoom));
            pool.Return(_buffer);
        }

        _buffer = grown;
    }
}
