using Broker.Core.Buffers;
using Broker.Core.Framing;

namespace Broker.Core.Protocol.Messages;

/// <summary>
/// A server's messages in the making, one contiguous run of whole frames: in <c>v3.broker</c> one frame for all of them, whose
/// header is set before them when their length is known; in <c>v2.broker</c> one frame each. No byte moves.
/// </summary>
/// <remarks>For one loop's thread. The code that seals it holds the bytes.</remarks>
/// <param name="batched">Whether they are for <c>v3.broker</c>.</param>
public struct MessageBatch(bool batched)
{
    private const int HeaderRoom = 10;
    private const int TagBytes = 1;

    private SharedBytes? _bytes;
    private int _messages;

    /// <summary>Bytes so far, without the header of a frame that is still open.</summary>
    public readonly int Length => _bytes is null ? 0 : batched ? _bytes.Length - HeaderRoom - TagBytes : _bytes.Length;

    /// <summary>Messages so far.</summary>
    public readonly int Messages => _messages;

    /// <summary>Whether there is no message yet.</summary>
    public readonly bool IsEmpty => _bytes is null;

    /// <summary>Whether a message may join those before it; the first always may.</summary>
    /// <param name="bytes">Of the message.</param>
    /// <param name="bytesMax">Of all messages together.</param>
    public readonly bool HasRoomFor(int bytes, int bytesMax) =>
        _bytes is null || (Length + (long)bytes <= bytesMax && _messages < NativeProtocol.MessagesPerFrameMax);

    /// <summary>Appends a message that is encoded already.</summary>
    public void Append(ReadOnlySpan<byte> message, BufferPool pool)
    {
        Span<byte> room = Reserve(message.Length, pool);
        message.CopyTo(room);
        Advance(message.Length);
    }

    /// <summary>Appends a message, encoded in its place.</summary>
    public void Append<T>(scoped in T message, BufferPool pool)
        where T : INativeMessage<T>, allows ref struct
    {
        int size = NativeWriter.SizeOf(message);
        var writer = new NativeWriter(Reserve(size, pool));
        writer.TryWrite(message);
        Advance(size);
    }

    /// <summary>Appends a message that the caller writes into the room, as a whole and before anything else.</summary>
    /// <param name="bytes">Of the message.</param>
    /// <param name="pool">The loop's.</param>
    /// <returns>The room for it.</returns>
    public Span<byte> Append(int bytes, BufferPool pool)
    {
        Span<byte> room = Reserve(bytes, pool);
        Advance(bytes);
        return room;
    }

    /// <summary>Ends the last frame and starts anew.</summary>
    /// <param name="start">Where the frames begin in the bytes.</param>
    /// <returns>The frames, unmasked; the caller is their holder.</returns>
    /// <exception cref="InvalidOperationException">There is no message.</exception>
    public SharedBytes Seal(out int start)
    {
        SharedBytes bytes = _bytes ?? throw new InvalidOperationException("A batch without a message.");
        _bytes = null;
        _messages = 0;
        start = 0;
        if (!batched) return bytes;

        FrameHeader header = HeaderOf(bytes.Length - HeaderRoom);
        start = HeaderRoom - header.Size;
        FrameWriter.WriteHeader(bytes.Array.AsSpan(start), header);
        return bytes;
    }

    /// <summary>Drops what was appended.</summary>
    public void Clear()
    {
        _bytes?.Release();
        _bytes = null;
        _messages = 0;
    }

    /// <summary>One message in a frame of its own, as it is for both subprotocols.</summary>
    public static byte[] Frame<T>(scoped in T message)
        where T : INativeMessage<T>, allows ref struct =>
            FrameWriter.Frame(Opcode.Binary, [(byte)PayloadTag.None, .. NativeWriter.Message(message)]);

    private static FrameHeader HeaderOf(int payload) => new(Final: true, Reserved: 0, Opcode.Binary, payload, MaskingKey: null);

    // Everything before the message: the room for a header or the header itself, and the tag.
    private Span<byte> Reserve(int size, BufferPool pool)
    {
        bool begins = _bytes is null || !batched;
        FrameHeader header = HeaderOf(TagBytes + size);
        int before = !begins ? 0 : TagBytes + (batched ? HeaderRoom : header.Size);
        _bytes ??= SharedBytes.Rent(pool, before + size);
        _bytes.GrowFor(before + size);
        int at = _bytes.Length;
        if (begins)
        {
            if (!batched) FrameWriter.WriteHeader(_bytes.Array.AsSpan(at), header);
            at += before;
            _bytes.Array[at - TagBytes] = (byte)PayloadTag.None;
            _bytes.SetLength(at);
        }

        return _bytes.Array.AsSpan(at, size);
    }

    private void Advance(int size)
    {
        _bytes!.SetLength(_bytes.Length + size);
        _messages++;
    }
}
