namespace Broker.Cli.Terminal;

/// <summary>
/// Reads what may never say anything, such as a terminal, a pipe or a FIFO, and stops waiting when it is cancelled: the system's own read
/// of these goes on until something comes.
/// </summary>
/// <remarks>
/// A read that was cancelled goes on in a thread of the pool, into a buffer of this class. What it reads is lost, so nothing is read
/// after a cancelled read.
/// </remarks>
/// <param name="source">The input; disposed of with this stream.</param>
internal sealed class InterruptibleInput(Stream source) : Stream
{
    private const int BufferBytes = 64 * 1024;

    private readonly byte[] _buffer = new byte[BufferBytes];

    /// <inheritdoc/>
    public override bool CanRead => true;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => false;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int most = Math.Min(buffer.Length, BufferBytes);
        int read = await Task.Run(() => source.Read(_buffer, 0, most), CancellationToken.None).WaitAsync(cancellationToken)
            .ConfigureAwait(false);
        _buffer.AsMemory(0, read).CopyTo(buffer);
        return read;
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => source.Read(buffer, offset, count);

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing) source.Dispose();
        base.Dispose(disposing);
    }
}
