using System.Net;
using Broker.Reactor.Pipes;

namespace Broker.Bench.Memory;

/// <summary>A client that says what it has to say and is silent then. It takes what it is sent, and drops it.</summary>
/// <param name="sent">Masked frames; shared by all clients.</param>
/// <param name="tally">Of all clients.</param>
internal sealed class QuietCarrier(byte[] sent, QuietCarrier.Tally tally) : Stream, ICarrier
{
    private static readonly IPEndPoint s_remote = new(IPAddress.Loopback, 9);

    private int _received;
    private bool _reported;
    private TaskCompletionSource<int>? _silence;

    /// <summary>What the hub has done with the clients.</summary>
    internal sealed class Tally
    {
        private int _silent, _reported;

        /// <summary>Clients that have sent all, and from which the hub waits for more.</summary>
        public int Silent => Volatile.Read(ref _silent);

        /// <summary>Clients that the hub has told something.</summary>
        public int Notified => Volatile.Read(ref _reported);

        internal void CountSilent() => Interlocked.Increment(ref _silent);

        internal void CountConnected() => Interlocked.Increment(ref _reported);
    }

    public Stream Frames => this;

    public IPEndPoint Remote => s_remote;

    public bool CanEndSending => true;

    public Task EndSendingAsync() => Task.CompletedTask;

    public void Abort() => _silence?.TrySetException(new IOException("The client is gone."));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_received == sent.Length)
        {
            _silence = new TaskCompletionSource<int>();
            tally.CountSilent();
            return new ValueTask<int>(_silence.Task);
        }

        int length = Math.Min(buffer.Length, sent.Length - _received);
        sent.AsSpan(_received, length).CopyTo(buffer.Span);
        _received += length;
        return new ValueTask<int>(length);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_reported) tally.CountConnected();
        _reported = true;
        return default;
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
