using System.Text;

namespace Broker.Dialects.Centrifuge.Wire.Protobuf;

/// <summary>Protobuf messages in the making, in bytes that grow and are kept for the next frame. For one thread.</summary>
internal sealed class ProtobufBuffer
{
    private const int InitialBytes = 512;

    // One large reply must not keep its memory for the life of the writer.
    private const int KeptBytesMax = 64 * 1024;

    private byte[] _bytes = new byte[InitialBytes];
    private int _length;

    /// <summary>What was written.</summary>
    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    /// <summary>Drops what was written, and memory that is out of the ordinary.</summary>
    public void Clear()
    {
        if (_bytes.Length > KeptBytesMax) _bytes = new byte[InitialBytes];
        _length = 0;
    }

    /// <summary>Begins a message whose length stands before it.</summary>
    /// <returns>For <see cref="End"/>.</returns>
    public int Begin()
    {
        Reserve(1);
        return ++_length;
    }

    /// <summary>Begins a message as a field.</summary>
    public int Begin(int field)
    {
        PutTag(field, WireType.Bytes);
        return Begin();
    }

    /// <summary>Ends the message: its length, which had room for one byte, gets what it needs.</summary>
    /// <param name="start">What <see cref="Begin()"/> gave.</param>
    public void End(int start)
    {
        int length = _length - start, extra = ProtobufSize.OfVarint((ulong)length) - 1;
        if (extra > 0)
        {
            Reserve(extra);
            _bytes.AsSpan(start, length).CopyTo(_bytes.AsSpan(start + extra));
            _length += extra;
        }

        ProtobufSize.WriteVarint(_bytes.AsSpan(start - 1), (ulong)length);
    }

    /// <summary>A field that is true, or none.</summary>
    public void PutTrue(int field, bool value)
    {
        if (value) PutNumberAlways(field, 1);
    }

    /// <summary>A field that is a number over 0, or none.</summary>
    public void PutNumber(int field, ulong value)
    {
        if (value != 0) PutNumberAlways(field, value);
    }

    /// <summary>A field that is a text, or none if that is empty.</summary>
    public void PutText(int field, string? value)
    {
        if (string.IsNullOrEmpty(value)) return;
        PutTag(field, WireType.Bytes);
        PutVarint((ulong)Encoding.UTF8.GetByteCount(value));
        _length += Encoding.UTF8.GetBytes(value, Reserve(Encoding.UTF8.GetByteCount(value)));
    }

    /// <summary>A field that is bytes, or none if that is empty.</summary>
    public void PutBytes(int field, ReadOnlySpan<byte> value)
    {
        if (!value.IsEmpty) PutMessage(field, value);
    }

    /// <summary>A field that is a message already encoded, even an empty one.</summary>
    public void PutMessage(int field, ReadOnlySpan<byte> message)
    {
        PutTag(field, WireType.Bytes);
        PutVarint((ulong)message.Length);
        Put(message);
    }

    /// <summary>Bytes as they are.</summary>
    public void Put(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        _length += bytes.Length;
    }

    private void PutNumberAlways(int field, ulong value)
    {
        PutTag(field, WireType.Varint);
        PutVarint(value);
    }

    private void PutTag(int field, WireType type) => PutVarint(((ulong)field << 3) | (ulong)type);

    private void PutVarint(ulong value) => _length += ProtobufSize.WriteVarint(Reserve(ProtobufSize.VarintBytesMax), value);

    private Span<byte> Reserve(int bytes)
    {
        if (_bytes.Length - _length < bytes)
        {
            int doubled = (int)Math.Min(Array.MaxLength, _bytes.Length * 2L);
            Array.Resize(ref _bytes, Math.Max(doubled, checked(_length + bytes)));
        }

        return _bytes.AsSpan(_length);
    }
}
