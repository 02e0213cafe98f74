namespace Broker.Core.Framing;

/// <summary>Tells whether what was read last ends in a Close frame, where frames cannot be followed any more.</summary>
/// <remarks>
/// After a violation nobody knows where frames begin, but a client that answers our Close says nothing behind its own. A guess:
/// one read of random bytes in about 500 looks like it, and many ways to cut a Close frame hide it.
/// </remarks>
public static class LastWord
{
    private const int CloseBytesMax = 2 + 4 + FrameHeader.ControlPayloadMax;
    private const byte FinalClose = 0x88;

    /// <summary>Looks whether the last bytes are a whole Close frame, masked or not.</summary>
    /// <param name="read">One read.</param>
    public static bool IsClose(ReadOnlySpan<byte> read)
    {
        ReadOnlySpan<byte> tail = read[Math.Max(0, read.Length - CloseBytesMax)..];
        int end = tail.Length;
        for (int at = tail.LastIndexOf(FinalClose); at >= 0; at = tail[..end].LastIndexOf(FinalClose))
        {
            end = at;
            int size = tail.Length - at;
            if (size < 2) continue;
            int length = tail[at + 1] & 0b0111_1111;
            int header = tail[at + 1] > 0b0111_1111 ? 6 : 2;
            if (length <= FrameHeader.ControlPayloadMax && size == header + length) return true;
        }

        return false;
    }
}
