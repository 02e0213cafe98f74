using System.Buffers;

namespace Broker.Core.Framing;

/// <summary>Tells whether what was read last ends in a Close frame, where frames cannot be followed any more.</summary>
/// <remarks>
/// After a violation it is unknown where frames begin, but a client says nothing behind its own Close, even where that is what
/// broke the rule by its length. A guess: random bytes look like it now and then, and a Close frame that a read cut does not.
/// </remarks>
public static class TrailingClose
{
    private const int LookedAtBytesMax = 512;
    private const byte FinalClose = 0x88;

    /// <summary>Looks whether the last bytes are a whole Close frame, masked or not.</summary>
    /// <param name="read">One read.</param>
    public static bool IsClose(ReadOnlySpan<byte> read)
    {
        ReadOnlySpan<byte> tail = read[Math.Max(0, read.Length - LookedAtBytesMax)..];
        int end = tail.Length;
        for (int at = tail.LastIndexOf(FinalClose); at >= 0; at = tail[..end].LastIndexOf(FinalClose))
        {
            end = at;
            if (IsWhole(tail[at..])) return true;
        }

        return false;
    }

    private static bool IsWhole(ReadOnlySpan<byte> frame) =>
        new FrameReader(frame) is var reader && reader.ReadHeader(out FrameHeader header) == OperationStatus.Done
        && frame.Length - header.Size == header.PayloadLength;
}
