using System.Buffers;
using System.IO.Compression;
using Broker.Core.Buffers;

namespace Broker.Core.Protocol.Messages;

/// <summary>A server's payload without its compression: what a client reads messages from. Disposed of once.</summary>
public readonly ref struct OpenedPayload
{
    private const int InitialBytes = 16 * 1024;

    private readonly BufferPool? _pool;
    private readonly byte[]? _buffer;

    private OpenedPayload(ReadOnlySpan<byte> messages, BufferPool? pool = null, byte[]? buffer = null)
    {
        Messages = messages;
        _pool = pool;
        _buffer = buffer;
    }

    /// <summary>The messages: a view of the payload, or of a buffer until this is disposed of.</summary>
    public ReadOnlySpan<byte> Messages { get; }

    /// <summary>Reads the compression byte and expands what is compressed.</summary>
    /// <param name="payload">The payload of one frame. Borrowed.</param>
    /// <param name="agreed">The compressions of the welcome; before it, none.</param>
    /// <param name="bytesMax">The most bytes that may come of it, whatever it claims.</param>
    /// <param name="pool">Where the buffer comes from; it grows with what has really come out.</param>
    /// <param name="opened">The messages.</param>
    /// <returns>None, or what is wrong; then nothing has to be disposed of.</returns>
    public static NativeFault Open(
        ReadOnlySpan<byte> payload, Compressions agreed, int bytesMax, BufferPool pool, out OpenedPayload opened)
    {
        opened = default;
        if (payload.IsEmpty) return NativeFault.EmptyPayload;
        ReadOnlySpan<byte> body = payload[1..];
        switch ((PayloadTag)payload[0])
        {
            case PayloadTag.None:
                opened = new OpenedPayload(body);
                return body.Length > bytesMax ? NativeFault.PayloadTooBig : NativeFault.None;
            case PayloadTag.Brotli when (agreed & Compressions.Brotli) != 0:
                return Expand(body, isBrotli: true, bytesMax, pool, out opened);
            case PayloadTag.Gzip when (agreed & Compressions.Gzip) != 0:
                return Expand(body, isBrotli: false, bytesMax, pool, out opened);
            default:
                return NativeFault.UnknownCompression;
        }
    }

    /// <summary>Gives the buffer back.</summary>
    public void Dispose()
    {
        if (_buffer is not null) _pool!.Return(_buffer);
    }

    private static NativeFault Expand(
        ReadOnlySpan<byte> body, bool isBrotli, int bytesMax, BufferPool pool, out OpenedPayload opened)
    {
        opened = default;
        byte[] buffer = pool.Rent(Math.Min(InitialBytes, bytesMax));
        NativeFault fault = isBrotli
            ? Brotli(body, bytesMax, pool, ref buffer, out int length)
            : Gzip(body, bytesMax, pool, ref buffer, out length);
        if (fault == NativeFault.None) opened = new OpenedPayload(buffer.AsSpan(0, length), pool, buffer);
        else pool.Return(buffer);
        return fault;
    }

    private static NativeFault Brotli(
        ReadOnlySpan<byte> body, int bytesMax, BufferPool pool, ref byte[] buffer, out int length)
    {
        length = 0;
        using var decoder = new BrotliDecoder();
        while (true)
        {
            OperationStatus status = decoder.Decompress(body, Room(buffer, length, bytesMax), out int consumed, out int written);
            body = body[consumed..];
            length += written;
            switch (status)
            {
                case OperationStatus.Done: return body.IsEmpty ? NativeFault.None : NativeFault.BadCompression;
                case OperationStatus.DestinationTooSmall when length == bytesMax: return NativeFault.ExpandsTooFar;
                case OperationStatus.DestinationTooSmall: Grow(ref buffer, length, bytesMax, pool); break;
                default: return NativeFault.BadCompression;
            }
        }
    }

    private static unsafe NativeFault Gzip(
        ReadOnlySpan<byte> body, int bytesMax, BufferPool pool, ref byte[] buffer, out int length)
    {
        length = 0;
        if (body.IsEmpty) return NativeFault.BadCompression;
        fixed (byte* start = body)
        {
            try
            {
                using var compressed = new UnmanagedMemoryStream(start, body.Length);
                using var gzip = new GZipStream(compressed, CompressionMode.Decompress);
                while (true)
                {
                    if (length == bytesMax) return gzip.ReadByte() < 0 ? NativeFault.None : NativeFault.ExpandsTooFar;
                    if (length == buffer.Length) Grow(ref buffer, length, bytesMax, pool);
                    int read = gzip.Read(Room(buffer, length, bytesMax));
                    if (read == 0) return NativeFault.None;
                    length += read;
                }
            }
            catch (InvalidDataException)
            {
                return NativeFault.BadCompression;
            }
        }
    }

    private static Span<byte> Room(byte[] buffer, int length, int bytesMax) =>
        buffer.AsSpan(length, Math.Min(buffer.Length, bytesMax) - length);

    private static void Grow(ref byte[] buffer, int length, int bytesMax, BufferPool pool)
    {
        byte[] larger = pool.Rent((int)Math.Min(bytesMax, Math.Max(length + 1L, buffer.Length * 2L)));
        buffer.AsSpan(0, length).CopyTo(larger);
        pool.Return(buffer);
        buffer = larger;
    }
}
