using System.Buffers.Binary;

namespace Broker.Cluster.Links;

/// <summary>Takes the frames that a reader finds.</summary>
public interface ILinkFrameSink
{
    /// <summary>One whole frame; the payload is borrowed until the return.</summary>
    /// <returns>Whether to go on reading.</returns>
    bool OnFrame(byte kind, ReadOnlySpan<byte> payload);
}

/// <summary>
/// Splits the bytes of a link into frames. What is not whole yet is kept; room for it grows only with the bytes that arrive.
/// </summary>
public sealed class LinkFrameReader
{
    private byte[] _kept = [];
    private int _keptLength;

    /// <summary>The longest frame (kind and payload) that is taken.</summary>
    public int FrameBytesMax { get; set; } = LinkFrames.HandshakeBytesMax;

    /// <summary>Bytes that wait for the rest of their frame.</summary>
    public int KeptBytes => _keptLength;

    /// <summary>Reads what has arrived.</summary>
    /// <param name="bytes">Borrowed until the return.</param>
    /// <param name="sink">Gets each whole frame.</param>
    /// <returns>Null, or which rule the bytes break; nothing can be read after that.</returns>
    public string? Read(ReadOnlySpan<byte> bytes, ILinkFrameSink sink)
    {
        ArgumentNullException.ThrowIfNull(sink);
        if (_keptLength > 0)
        {
            Keep(bytes);
            int used = ReadWhole(_kept.AsSpan(0, _keptLength), sink, out string? broken);
            _keptLength -= used;
            _kept.AsSpan(used, _keptLength).CopyTo(_kept);
            if (_keptLength == 0) _kept = [];
            return broken;
        }

        int read = ReadWhole(bytes, sink, out string? fault);
        if (fault is null && read < bytes.Length) Keep(bytes[read..]);
        return fault;
    }

    private int ReadWhole(ReadOnlySpan<byte> bytes, ILinkFrameSink sink, out string? fault)
    {
        fault = null;
        int position = 0;
        while (bytes.Length - position >= sizeof(uint))
        {
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(bytes[position..]);
            if (length == 0 || length > (uint)FrameBytesMax)
            {
                fault = $"a frame of {length} bytes; between 1 and {FrameBytesMax} are allowed here";
                return position;
            }

            if (bytes.Length - position - sizeof(uint) < (int)length) break;
            ReadOnlySpan<byte> frame = bytes.Slice(position + sizeof(uint), (int)length);
            position += sizeof(uint) + (int)length;
            if (!sink.OnFrame(frame[0], frame[1..])) return position;
        }

        return position;
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        int needed = _keptLength + bytes.Length;
        if (_kept.Length < needed) Array.Resize(ref _kept, Math.Max(needed, _kept.Length * 2));
        bytes.CopyTo(_kept.AsSpan(_keptLength));
        _keptLength = needed;
    }
}
