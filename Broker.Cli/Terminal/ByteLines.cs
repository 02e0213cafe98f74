using System.Runtime.CompilerServices;

namespace Broker.Cli.Terminal;

/// <summary>Bytes of a stream, one by one line or as a whole, and never more of them in memory than may be sent.</summary>
internal static class ByteLines
{
    private const int FirstBytes = 16 * 1024;

    /// <summary>
    /// The lines of a stream. A line feed (0x0A) ends a line and is no part of it; a last line needs none. Every other byte stays as it
    /// is: carriage returns, a byte order mark, what is not UTF-8.
    /// </summary>
    /// <param name="input">The stream.</param>
    /// <param name="bytesMax">The longest line.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="IOException">A line is longer.</exception>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(
        Stream input, long bytesMax, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        bytesMax = Math.Min(bytesMax, Array.MaxLength - 1);
        byte[] buffer = new byte[FirstBytes];
        // 0 < = start < = searched < = end: a line begins at start, and up to searched it has no line feed.
        int start = 0, searched = 0, end = 0;
        while (true)
        {
            int feed = buffer.AsSpan(searched, end - searched).IndexOf((byte)'\n');
            if (feed >= 0)
            {
                int length = searched + feed - start;
                if (length > bytesMax) throw TooLong("A line", bytesMax);
                yield return buffer.AsSpan(start, length).ToArray();
                start = searched = start + length + 1;
                continue;
            }

            searched = end;
            if (end - start > bytesMax) throw TooLong("A line", bytesMax);
            if (end == buffer.Length) (buffer, start, searched, end) = MakeRoom(buffer, start, end);
            int read = await input.ReadAsync(buffer.AsMemory(end), cancellationToken).ConfigureAwait(false);
            if (read == 0) break;
            end += read;
        }

        if (end > start) yield return buffer.AsSpan(start, end - start).ToArray();
    }

    /// <summary>All of a stream.</summary>
    /// <param name="input">The stream.</param>
    /// <param name="bytesMax">The most bytes.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="IOException">There are more.</exception>
    public static async Task<ReadOnlyMemory<byte>> ReadAllAsync(Stream input, long bytesMax, CancellationToken cancellationToken)
    {
        bytesMax = Math.Min(bytesMax, Array.MaxLength - 1);
        byte[] buffer = new byte[FirstBytes];
        int end = 0;
        while (true)
        {
            if (end > bytesMax) throw TooLong("The input", bytesMax);
            if (end == buffer.Length) (buffer, _, _, end) = MakeRoom(buffer, 0, end);
            int read = await input.ReadAsync(buffer.AsMemory(end), cancellationToken).ConfigureAwait(false);
            if (read == 0) return buffer.AsMemory(0, end);
            end += read;
        }
    }

    private static IOException TooLong(string what, long bytesMax) =>
        new($"{what} has more than {bytesMax} bytes, the most that the hub takes in one message.");

    private static (byte[] Buffer, int Start, int Searched, int End) MakeRoom(byte[] buffer, int start, int end)
    {
        int length = end - start;
        byte[] target = length > buffer.Length / 2 ? new byte[(int)Math.Min(Array.MaxLength, 2L * buffer.Length)] : buffer;
        buffer.AsSpan(start, length).CopyTo(target);
        return (target, 0, length, length);
    }
}
