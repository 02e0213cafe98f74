using System.Buffers;

namespace Broker.Tests.Conformance.Wire;

/// <summary>Decompresses the server's messages for permessage-deflate. RFC 7692 section 7.2.2.</summary>
/// <param name="windowBits">The window that the server promised to stay in, 8 to 15.</param>
/// <param name="keepContext">Whether a message may refer to the ones before it.</param>
public sealed unsafe class MessageInflater(int windowBits, bool keepContext) : IDisposable
{
    private const int MessageOctetsMax = 64 << 20;

    // zlib keeps a window only between two calls; within one, a distance may reach back over all that the call wrote.
    // So each call gets room for an eighth of the window, and a server that uses a greater window than it promised shows.
    private readonly int _roomPerCall = (1 << windowBits) / 8;
    private readonly ZLib.Stream[] _stream = GC.AllocateArray<ZLib.Stream>(1, pinned: true);   // zlib keeps its address.
    private bool _started;

    /// <summary>Decompresses the joined payload of one message.</summary>
    /// <exception cref="ServerViolationException">The data is broken, or needs a greater window than was agreed.</exception>
    public byte[] Decompress(ReadOnlySpan<byte> payload)
    {
        if (!_started) ZLib.StartInflate(ref _stream[0], windowBits);
        _started = true;

        byte[] withTail = [.. payload, 0, 0, 0xff, 0xff];
        var target = new ArrayBufferWriter<byte>(withTail.Length * 2);
        fixed (byte* source = withTail)
        fixed (ZLib.Stream* stream = _stream)
        {
            stream->NextIn = source;
            stream->AvailableIn = (uint)withTail.Length;
            do Step(stream, target);
            while (stream->AvailableIn > 0 || stream->AvailableOut == 0);
        }

        if (!keepContext) Dispose();
        return target.WrittenSpan.ToArray();
    }

    /// <summary>Gives zlib's state back; the next message starts a new one.</summary>
    public void Dispose()
    {
        if (!_started) return;
        _started = false;
        fixed (ZLib.Stream* stream = _stream) _ = ZLib.InflateEnd(stream);
        _stream[0] = default;
    }

    private void Step(ZLib.Stream* stream, ArrayBufferWriter<byte> target)
    {
        Span<byte> room = target.GetSpan(_roomPerCall)[.._roomPerCall];
        fixed (byte* start = room)
        {
            stream->NextOut = start;
            stream->AvailableOut = (uint)room.Length;
            int answer = ZLib.Inflate(stream, ZLib.SyncFlush);
            if (answer is not (ZLib.Ok or ZLib.BufferError or ZLib.StreamEnd))
            {
                throw new ServerViolationException(1002, $"a compressed message does not inflate in a window of {1 << windowBits}");
            }

            target.Advance(room.Length - (int)stream->AvailableOut);
            if (answer == ZLib.StreamEnd) StartAfterFinalBlock(stream);
        }

        if (target.WrittenCount > MessageOctetsMax) throw new ServerViolationException(1002, "a message inflates without end");
    }

    // A sender may end a message in a final block and an empty one, section 7.2.3.4; zlib then wants a new start.
    private void StartAfterFinalBlock(ZLib.Stream* stream)
    {
        ZLib.Stream rest = *stream;
        _ = ZLib.InflateEnd(stream);
        _stream[0] = new ZLib.Stream { NextIn = rest.NextIn, AvailableIn = rest.AvailableIn };
        ZLib.StartInflate(ref _stream[0], windowBits);
    }
}
