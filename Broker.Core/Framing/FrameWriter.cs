using static System.Buffers.Binary.BinaryPrimitives;

namespace Broker.Core.Framing;

/// <summary>Writes frames: many into one buffer as an instance, one alone by its static methods.</summary>
/// <remarks>
/// Three ways to the same bytes. <see cref="Frame"/> allocates; <see cref="Prefix"/> writes a header before a payload
/// that already lies in the caller's buffer; <see cref="TryWrite"/> puts one frame behind the other. A client gives each
/// frame a fresh, unpredictable key (RFC 6455 section 5.3); a server gives none.
/// </remarks>
/// <param name="target">Room for the frames; borrowed.</param>
public ref struct FrameWriter(Span<byte> target)
{
    private readonly Span<byte> _target = target;

    /// <summary>Bytes written so far; whole frames only.</summary>
    public int Position { get; private set; }

    /// <summary>Bytes of a whole frame on the wire.</summary>
    public static long SizeOf(long payloadLength, bool masked) =>
        FrameHeader.SizeOf(payloadLength, masked) + payloadLength;

    /// <summary>Writes a header alone, for any length up to 2^63 - 1.</summary>
    /// <returns>Bytes written: <see cref="FrameHeader.Size"/>.</returns>
    /// <exception cref="ArgumentException">The target is too short, or a control frame is fragmented or too long.</exception>
    public static int WriteHeader(Span<byte> target, in FrameHeader header)
    {
        int size = header.Size;
        CheckSendable(header);
        if (target.Length < size) throw new ArgumentException("The target is shorter than the header.", nameof(target));

        target[0] = (byte)((header.Final ? 0b1000_0000 : 0) | (header.Reserved << 4) | (byte)header.Opcode);
        byte maskBit = (byte)(header.MaskingKey.HasValue ? 0b1000_0000 : 0);
        switch (header.PayloadLength)
        {
            case <= 125:
                target[1] = (byte)(maskBit | (byte)header.PayloadLength);
                break;
            case <= ushort.MaxValue:
                target[1] = (byte)(maskBit | 126);
                WriteUInt16BigEndian(target[2..], (ushort)header.PayloadLength);
                break;
            default:
                target[1] = (byte)(maskBit | 127);
                WriteInt64BigEndian(target[2..], header.PayloadLength);
                break;
        }

        if (header.MaskingKey is { } key) WriteUInt32BigEndian(target[(size - 4)..], key);
        return size;
    }

    /// <summary>A frame in an array of its own.</summary>
    /// <param name="opcode">Text, binary or continuation, or a control frame.</param>
    /// <param name="payload">Borrowed; copied.</param>
    /// <param name="maskingKey">A client's key, or none.</param>
    /// <param name="final">False for a fragment that others follow.</param>
    public static byte[] Frame(Opcode opcode, ReadOnlySpan<byte> payload, uint? maskingKey = null, bool final = true)
    {
        byte[] frame = GC.AllocateUninitializedArray<byte>(checked((int)SizeOf(payload.Length, maskingKey.HasValue)));
        new FrameWriter(frame).TryWrite(opcode, payload, maskingKey, final);
        return frame;
    }

    /// <summary>A Close frame. A reason that is too long is cut between two characters.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A code that may not travel, such as 1006.</exception>
    public static byte[] Close(CloseCode code, string reason = "", uint? maskingKey = null)
    {
        Span<byte> payload = stackalloc byte[ClosePayload.BytesMax];
        int payloadBytes = new ClosePayload(code, reason).Write(payload);
        return Frame(Opcode.Close, payload[..payloadBytes], maskingKey);
    }

    /// <summary>A Ping frame with at most 125 bytes of payload.</summary>
    public static byte[] Ping(ReadOnlySpan<byte> payload, uint? maskingKey = null) => Frame(Opcode.Ping, payload, maskingKey);

    /// <summary>A Pong frame with at most 125 bytes of payload.</summary>
    public static byte[] Pong(ReadOnlySpan<byte> payload, uint? maskingKey = null) => Frame(Opcode.Pong, payload, maskingKey);

    /// <summary>Makes a frame of a payload that already lies in the buffer: writes the header right before it, and masks it.</summary>
    /// <param name="buffer">Reserved room and behind it, to the end, the payload.</param>
    /// <param name="reserved">Bytes of room before the payload; 14 are always enough.</param>
    /// <param name="opcode">Text, binary or continuation, or a control frame.</param>
    /// <param name="maskingKey">A client's key, or none.</param>
    /// <param name="final">False for a fragment that others follow.</param>
    /// <returns>Where in the buffer the frame begins; it ends with the buffer.</returns>
    /// <exception cref="ArgumentException">The room is shorter than the header.</exception>
    public static int Prefix(Span<byte> buffer, int reserved, Opcode opcode, uint? maskingKey = null, bool final = true)
    {
        Span<byte> payload = buffer[reserved..];
        var header = new FrameHeader(final, Reserved: 0, opcode, payload.Length, maskingKey);
        int start = reserved - header.Size;
        if (start < 0) throw new ArgumentException("The reserved room is shorter than the header.", nameof(reserved));

        WriteHeader(buffer[start..reserved], header);
        if (maskingKey is { } key) Masking.Apply(payload, key);
        return start;
    }

    /// <summary>Writes one frame behind those already written.</summary>
    /// <param name="opcode">Text, binary or continuation, or a control frame.</param>
    /// <param name="payload">Borrowed; copied, and left as it is.</param>
    /// <param name="maskingKey">A client's key, or none.</param>
    /// <param name="final">False for a fragment that others follow.</param>
    /// <returns>False when the frame does not fit as a whole; then nothing is written.</returns>
    public bool TryWrite(Opcode opcode, ReadOnlySpan<byte> payload, uint? maskingKey = null, bool final = true)
    {
        var header = new FrameHeader(final, Reserved: 0, opcode, payload.Length, maskingKey);
        Span<byte> room = _target[Position..];
        if (room.Length < header.Size + (long)payload.Length) return false;

        int size = WriteHeader(room, header);
        if (maskingKey is { } key) Masking.Copy(payload, room[size..], key);
        else payload.CopyTo(room[size..]);
        Position += size + payload.Length;
        return true;
    }

    private static void CheckSendable(in FrameHeader header)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(header.PayloadLength);
        if (!header.Opcode.IsControl) return;
        if (!header.Final) throw new ArgumentException("A control frame may not be fragmented.", nameof(header));
        if (header.PayloadLength > FrameHeader.ControlPayloadMax)
        {
            throw new ArgumentException("A control frame has at most 125 bytes of payload.", nameof(header));
        }
    }
}
