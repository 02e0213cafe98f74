namespace Broker.Host.Http;

/// <summary>A stream whose first bytes have been read already.</summary>
/// <param name="prefix">Those bytes; given out before the rest.</param>
/// <param name="rest">Where reading goes on, and where all writing goes.</param>
/// <param name="onLost">
/// Called once a write fails because the peer is gone. What is written then is dropped: a client that leaves is no error.
/// </param>
public sealed class PrefixedStream(ReadOnlyMemory<byte> prefix, Stream rest, Action onLost) : Stream
{
    private ReadOnlyMemory<byte> _prefix = prefix;
    private bool _isLost;

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer) => _prefix.IsEmpty ? rest.Read(buffer) : TakePrefix(buffer);

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        _prefix.IsEmpty ? rest.ReadAsync(buffer, cancellationToken) : ValueTask.FromResult(TakePrefix(buffer.Span));

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        if (_isLost) return;
        try
        {
            rest.Write(buffer);
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException)
        {
            Lose();
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_isLost) return;
        try
        {
            await rest.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException)
        {
            Lose();
        }
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Flush() => rest.Flush();

    /// <inheritdoc/>
    public override Task FlushAsync(CancellationToken cancellationToken) => rest.FlushAsync(cancellationToken);

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    private void Lose()
    {
        _isLost = true;
        onLost();
    }

    private int TakePrefix(Span<byte> target)
    {
        int count = Math.Min(target.Length, _prefix.Length);
        _prefix.Span[..count].CopyTo(target);
        _prefix = _prefix[count..];
        return count;
    }
}
