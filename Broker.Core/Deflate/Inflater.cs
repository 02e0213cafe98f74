using System.Buffers;

namespace Broker.Core.Deflate;

/// <summary>Decompresses messages, one after the other, into whatever room it is given. RFC 7692 section 7.2.2.</summary>
/// <remarks>
/// Its window is the largest, which suits a sender with a smaller one and costs the same. Holds native memory until it is
/// disposed. Not for two threads.
/// </remarks>
internal sealed unsafe class Inflater : IDisposable
{
    /// <summary>Native bytes of one decompressor, at most; docs/COMPRESSION.md says how they were measured.</summary>
    internal const int Bytes = 43 * 1024;

    private ZLib.Stream _stream;

    /// <summary>Whether the last byte consumed was the last of a final block.</summary>
    internal bool IsAtEnd { get; private set; }

    /// <summary>Drops all messages before.</summary>
    internal void Reset()
    {
        IsAtEnd = false;
        if (_stream.State == 0) return;
        fixed (ZLib.Stream* stream = &_stream) _ = ZLib.InflateReset(stream, -DeflateOffer.WindowBitsMax);
    }

    /// <summary>Decompresses what fits.</summary>
    /// <param name="source">Borrowed.</param>
    /// <param name="target">Not empty.</param>
    /// <param name="consumed">Bytes of the source that are done with.</param>
    /// <param name="written">Bytes of the target that are written.</param>
    /// <returns>
    /// <c>Done</c>: the source is used up. <c>DestinationTooSmall</c>: the target is full, and perhaps there is more.
    /// <c>InvalidData</c>: this is no DEFLATE.
    /// </returns>
    internal OperationStatus Inflate(ReadOnlySpan<byte> source, Span<byte> target, out int consumed, out int written)
    {
        if (_stream.State == 0) ZLib.BeginInflate(ref _stream);
        fixed (byte* input = source)
        fixed (byte* output = target)
        fixed (ZLib.Stream* stream = &_stream)
        {
            stream->NextIn = input;
            stream->AvailableIn = (uint)source.Length;
            stream->NextOut = output;
            stream->AvailableOut = (uint)target.Length;
            OperationStatus status = Run(stream);
            consumed = source.Length - (int)stream->AvailableIn;
            written = target.Length - (int)stream->AvailableOut;
            return status;
        }
    }

    private OperationStatus Run(ZLib.Stream* stream)
    {
        while (true)
        {
            uint before = stream->AvailableIn;
            int answer = ZLib.Inflate(stream, ZLib.SyncFlush);
            if (answer is not (ZLib.Ok or ZLib.StreamEnd or ZLib.BufferError)) return OperationStatus.InvalidData;

            // Section 7.2.3.4: a sender may end a flush with a final block. A new stream begins behind it; such a sender has
            // begun one too, so the window is no loss.
            IsAtEnd = answer == ZLib.StreamEnd || (IsAtEnd && before == 0);
            if (answer == ZLib.StreamEnd) _ = ZLib.InflateReset(stream, -DeflateOffer.WindowBitsMax);
            if (stream->AvailableOut == 0) return OperationStatus.DestinationTooSmall;
            if (stream->AvailableIn == 0) return OperationStatus.Done;
            if (answer == ZLib.BufferError) return OperationStatus.InvalidData;
        }
    }

    /// <summary>Gives the native memory back.</summary>
    public void Dispose()
    {
        if (_stream.State == 0) return;
        fixed (ZLib.Stream* stream = &_stream) _ = ZLib.InflateEnd(stream);
        _stream = default;
        ZLib.Ended();
    }
}
