using System.Buffers;
using Broker.Core.Buffers;
using Broker.Core.Framing;

namespace Broker.Core.Protocol.Messages;

/// <summary>
/// A run of a server's frames on its way to many connections: as they are, and compressed once for each way that one of them
/// wants.
/// </summary>
/// <remarks>For one loop's thread. End it with <see cref="Release"/>.</remarks>
/// <param name="plain">Whole unmasked frames of a <see cref="MessageBatch"/>; taken over.</param>
/// <param name="start">Where the frames begin in the bytes.</param>
/// <param name="pool">The loop's.</param>
public struct PayloadVariants(SharedBytes plain, int start, BufferPool pool)
{
    private SharedBytes? _brotli;
    private SharedBytes? _gzip;

    /// <summary>The frames for one connection.</summary>
    /// <param name="wanted">Its compression.</param>
    /// <param name="at">Where the frames begin in the bytes.</param>
    /// <returns>The bytes, borrowed.</returns>
    public SharedBytes For(PayloadTag wanted, out int at)
    {
        at = start;
        if (wanted == PayloadTag.None || plain.Length - start <= PayloadCompressor.ThresholdBytes) return plain;
        SharedBytes variant = wanted == PayloadTag.Brotli ? _brotli ??= Compress(wanted) : _gzip ??= Compress(wanted);
        if (variant != plain) at = 0;
        return variant;
    }

    /// <summary>Releases every variant.</summary>
    public readonly void Release()
    {
        _brotli?.Release();
        _gzip?.Release();
        plain.Release();
    }

    // Frame by frame: in v3.broker there is one, in v2.broker one for each message.
    private readonly SharedBytes Compress(PayloadTag wanted)
    {
        ReadOnlySpan<byte> frames = plain.Array.AsSpan(start, plain.Length - start);
        var reader = new FrameReader(frames);
        var payload = new ArrayBufferWriter<byte>(frames.Length);
        SharedBytes compressed = SharedBytes.Rent(pool, frames.Length);
        bool pays = false;
        while (reader.ReadHeader(out FrameHeader header) == OperationStatus.Done)
        {
            ReadOnlySpan<byte> messages = reader.TakePayload((int)header.PayloadLength)[1..];
            pays |= PayloadCompressor.Write(messages, wanted, payload) != PayloadTag.None;
            header = header with { PayloadLength = payload.WrittenCount };
            FrameWriter.WriteHeader(compressed.Array.AsSpan(compressed.Length), header);
            compressed.SetLength(compressed.Length + header.Size);
            compressed.Append(payload.WrittenSpan);
            payload.ResetWrittenCount();
        }

        // What does not get shorter goes as it is.
        if (pays) return compressed;
        compressed.Release();
        return plain.AddRef();
    }
}
