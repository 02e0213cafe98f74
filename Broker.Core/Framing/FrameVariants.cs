using System.Runtime.CompilerServices;
using Broker.Core.Buffers;
using Broker.Core.Deflate;

namespace Broker.Core.Framing;

/// <summary>
/// One sealed frame on its way to many connections: as it is, and compressed once for each window that one of them wants.
/// </summary>
/// <remarks>For one loop's thread. End it with <see cref="Release"/>.</remarks>
/// <param name="plain">One whole unmasked frame; taken over.</param>
/// <param name="start">Where the frame begins in the bytes.</param>
/// <param name="loop">What compresses.</param>
public struct FrameVariants(SharedBytes plain, int start, LoopDeflate loop)
{
    private const int HeaderRoom = 10;

    private readonly int _payloadBytes = HeaderOf(plain, start, out _);
    private Compressed _compressed;

    /// <summary>The frame for one connection.</summary>
    /// <param name="deflate">What the connection has agreed on, if anything.</param>
    /// <param name="at">Where the frame begins in the bytes.</param>
    /// <returns>The bytes, borrowed.</returns>
    public SharedBytes For(MessageDeflate? deflate, out int at)
    {
        at = start;
        return deflate is null ? plain : ForDeflate(deflate, out at);
    }

    /// <summary>Releases every variant.</summary>
    public void Release()
    {
        foreach (SharedBytes? variant in _compressed) variant?.Release();
        plain.Release();
    }

    private SharedBytes ForDeflate(MessageDeflate deflate, out int at)
    {
        at = start;
        int bits = deflate.SharedWindowBits;
        if (bits == 0 || _payloadBytes < deflate.MessageBytesMin) return plain;

        SharedBytes variant = _compressed[bits] ??= Compress(bits);
        if (variant != plain) at = HeaderRoom - FrameHeader.SizeOf(variant.Length - HeaderRoom, masked: false);
        return variant;
    }

    private readonly SharedBytes Compress(int windowBits)
    {
        HeaderOf(plain, start, out FrameHeader header);
        ReadOnlySpan<byte> payload = plain.Array.AsSpan(start + header.Size, _payloadBytes);

        SharedBytes compressed = SharedBytes.Rent(loop.Pool, HeaderRoom + (payload.Length / 2) + 64);
        compressed.SetLength(HeaderRoom);
        loop.DeflaterOf(windowBits).Deflate(payload, compressed, keepsContext: false);

        // What does not get shorter goes as it is.
        header = header with { Reserved = MessageDeflate.Reserved, PayloadLength = compressed.Length - HeaderRoom };
        if (header.PayloadLength >= payload.Length)
        {
            compressed.Release();
            return plain.AddRef();
        }

        FrameWriter.WriteHeader(compressed.Array.AsSpan(HeaderRoom - header.Size), header);
        return compressed;
    }

    private static int HeaderOf(SharedBytes frame, int start, out FrameHeader header)
    {
        var reader = new FrameReader(frame.Array.AsSpan(start, frame.Length - start));
        reader.ReadHeader(out header);
        return (int)header.PayloadLength;
    }

    [InlineArray(DeflateOffer.WindowBitsMax + 1)]
    private struct Compressed
    {
        private SharedBytes? _first;
    }
}
