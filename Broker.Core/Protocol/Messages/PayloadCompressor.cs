using System.Buffers;
using System.IO.Compression;

namespace Broker.Core.Protocol.Messages;

/// <summary>Makes a server's payload of messages: the compression byte, and behind it the messages, compressed if that pays.</summary>
public static class PayloadCompressor
{
    /// <summary>Messages of so many bytes are not compressed; of one more they are.</summary>
    public const int ThresholdBytes = 1024;

    private const int BrotliQuality = 1;        // The fastest: it runs on the thread that serves all others.
    private const int BrotliWindowBits = 18;    // 256 KiB.

    /// <summary>The compression for a client that can expand any of these.</summary>
    public static PayloadTag Choose(Compressions agreed) =>
        (agreed & Compressions.Brotli) != 0 ? PayloadTag.Brotli
        : (agreed & Compressions.Gzip) != 0 ? PayloadTag.Gzip
        : PayloadTag.None;

    /// <summary>Writes the payload.</summary>
    /// <param name="messages">One or more messages. Borrowed.</param>
    /// <param name="wanted">The compression, if the messages are over the threshold and become shorter by it.</param>
    /// <param name="target">Where the payload goes.</param>
    /// <param name="thresholdBytes">See <see cref="ThresholdBytes"/>.</param>
    /// <returns>The compression that was used.</returns>
    public static PayloadTag Write(
        ReadOnlySpan<byte> messages,
        PayloadTag wanted,
        IBufferWriter<byte> target,
        int thresholdBytes = ThresholdBytes)
    {
        Span<byte> payload = target.GetSpan(1 + messages.Length)[..(1 + messages.Length)];

        // One byte less than the messages: what does not become shorter goes as it is.
        Span<byte> room = messages.IsEmpty ? default : payload[1..^1];
        int written = messages.Length <= thresholdBytes ? 0 : wanted switch
        {
            PayloadTag.Brotli => Brotli(messages, room),
            PayloadTag.Gzip => Gzip(messages, room),
            _ => 0,
        };

        PayloadTag used = written > 0 ? wanted : PayloadTag.None;
        if (written == 0) messages.CopyTo(payload[1..]);
        payload[0] = (byte)used;
        target.Advance(1 + (written > 0 ? written : messages.Length));
        return used;
    }

    private static int Brotli(ReadOnlySpan<byte> messages, Span<byte> room) =>
        BrotliEncoder.TryCompress(messages, room, out int written, BrotliQuality, BrotliWindowBits) ? written : 0;

    private static int Gzip(ReadOnlySpan<byte> messages, Span<byte> room)
    {
        using var compressed = new MemoryStream(messages.Length);
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true)) gzip.Write(messages);
        if (compressed.Length > room.Length) return 0;
        compressed.GetBuffer().AsSpan(0, (int)compressed.Length).CopyTo(room);
        return (int)compressed.Length;
    }
}
