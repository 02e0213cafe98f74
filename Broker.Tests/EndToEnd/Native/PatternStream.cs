using System.Security.Cryptography;

namespace Broker.Tests.EndToEnd.Native;

/// <summary>As many bytes as wanted, of which none is kept: what they are follows from where they are.</summary>
internal sealed class PatternStream(int length, int failsAt = int.MaxValue) : Stream
{
    private int _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    public static byte[] Of(int from, int bytes) => [.. Enumerable.Range(from, bytes).Select(ByteAt)];

    public byte[] Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        for (int from = 0; from < length; from += 1 << 20) hash.AppendData(Of(from, Math.Min(1 << 20, length - from)));
        return hash.GetHashAndReset();
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        int read = Math.Min(count, length - _position);
        if (_position + read > failsAt) throw new IOException("The source is broken.");
        for (int i = 0; i < read; i++) buffer[offset + i] = ByteAt(_position + i);
        _position += read;
        return read;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    private static byte ByteAt(int at) => (byte)((at * 31) + (at >> 9) + (at >> 17));
}

/// <summary>Takes bytes, and keeps their hash alone.</summary>
internal sealed class HashedStream : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _length;

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _length;

    public override long Position
    {
        get => _length;
        set => throw new NotSupportedException();
    }

    public byte[] Hash() => _hash.GetHashAndReset();

    public override void Write(byte[] buffer, int offset, int count)
    {
        _hash.AppendData(buffer, offset, count);
        _length += count;
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _hash.Dispose();
        base.Dispose(disposing);
    }
}
