using System.Buffers;

namespace Broker.Tests.Conformance.Wire;

/// <summary>Compresses the client's messages for permessage-deflate. RFC 7692 section 7.2.1.</summary>
/// <param name="windowBits">The window that the server allows, 8 to 15.</param>
/// <param name="keepContext">Whether a message may refer to the ones before it.</param>
public sealed unsafe class MessageDeflater(int windowBits, bool keepContext) : IDisposable
{
    private const int FlushTail = 4;   // 00 00 ff ff, which the receiver adds again.

    private readonly ZLib.Stream[] _stream = GC.AllocateArray<ZLib.Stream>(1, pinned: true);   // zlib keeps its address.
    private bool _started;

    /// <summary>Compresses one message whole.</summary>
    public byte[] Compress(ReadOnlySpan<byte> message)
    {
        if (message.IsEmpty) return [0];   // Section 7.2.3.6: an empty message is one empty block.
        if (!_started) ZLib.StartDeflate(ref _stream[0], windowBits);
        _started = true;

        var target = new ArrayBufferWriter<byte>(message.Length / 2 + 64);
        fixed (byte* source = message)
        fixed (ZLib.Stream* stream = _stream)
        {
            stream->NextIn = source;
            stream->AvailableIn = (uint)message.Length;
            do
            {
                Span<byte> room = target.GetSpan(256);
                fixed (byte* start = room)
                {
                    stream->NextOut = start;
                    stream->AvailableOut = (uint)room.Length;
                    int answer = ZLib.Deflate(stream, ZLib.SyncFlush);
                    if (answer is not (ZLib.Ok or ZLib.BufferError)) throw new InvalidOperationException($"deflate: {answer}.");
                    target.Advance(room.Length - (int)stream->AvailableOut);
                }
            }
            while (stream->AvailableOut == 0);
        }

        if (!keepContext) Dispose();
        return target.WrittenSpan[..^FlushTail].ToArray();
    }

    /// <summary>Gives zlib's state back; the next message starts a new one.</summary>
    public void Dispose()
    {
        if (!_started) return;
        _started = false;
        fixed (ZLib.Stream* stream = _stream) _ = ZLib.DeflateEnd(stream);
        _stream[0] = default;
    }
}
