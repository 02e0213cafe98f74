using Broker.Core.Buffers;

namespace Broker.Core.Deflate;

/// <summary>Compresses messages, one after the other. RFC 7692 section 7.2.1.</summary>
/// <remarks>Holds native memory until it is disposed. Not for two threads.</remarks>
/// <param name="windowBits">The window that the receiver allows, 8 to 15.</param>
internal sealed unsafe class Deflater(int windowBits) : IDisposable
{
    // zlib's own default.
    private const int Level = 6;
    private const int TailBytes = 4;

    // zlib wants to see more than six bytes free when it is asked to flush.
    private const int RoomMin = 64;

    private ZLib.Stream _stream;

    /// <summary>Native bytes of one compressor, at most; docs/COMPRESSION.md says how they were measured.</summary>
    internal static int BytesOf(int windowBits) => (220 * 1024) + (4 << windowBits);

    /// <summary>Appends one message's compressed payload.</summary>
    /// <param name="message">Borrowed.</param>
    /// <param name="target">Grows as needed.</param>
    /// <param name="keepsContext">Whether the next message may refer to this one.</param>
    internal void Deflate(ReadOnlySpan<byte> message, SharedBytes target, bool keepsContext)
    {
        // Section 7.2.3.6: an empty message is one empty block, which zlib would not write twice.
        if (message.IsEmpty)
        {
            target.GrowFor(1);
            target.Append([0]);
            return;
        }

        // zlib has no raw window of 256 bytes. Of its window of 512 it uses the last 250 only: a match and a look ahead have
        // to fit behind them. So what it writes suits a receiver with 256.
        if (_stream.State == 0) ZLib.BeginDeflate(ref _stream, Math.Max(windowBits, 9), Level);

        // A full flush ends as a sync flush does, and drops the window: that is no context takeover, without a new state.
        int flush = keepsContext ? ZLib.SyncFlush : ZLib.FullFlush;
        fixed (byte* source = message)
        fixed (ZLib.Stream* stream = &_stream)
        {
            stream->NextIn = source;
            stream->AvailableIn = (uint)message.Length;
            do
            {
                target.GrowFor(RoomMin);
                fixed (byte* start = &target.Array[target.Length])
                {
                    stream->NextOut = start;
                    stream->AvailableOut = (uint)target.Room;
                    int answer = ZLib.Deflate(stream, flush);
                    if (answer is not (ZLib.Ok or ZLib.BufferError))
                        throw new InvalidOperationException($"zlib could not compress: {answer}.");
                    target.SetLength(target.Array.Length - (int)stream->AvailableOut);
                }
            }
            while (stream->AvailableOut == 0);
        }

        // "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end", section 7.2.1.
        target.SetLength(target.Length - TailBytes);
    }

    /// <summary>Gives the native memory back.</summary>
    public void Dispose()
    {
        if (_stream.State == 0) return;
        fixed (ZLib.Stream* stream = &_stream) _ = ZLib.DeflateEnd(stream);
        _stream = default;
        ZLib.Ended();
    }
}
