using System.Runtime.InteropServices;

namespace Broker.Cli.Terminal;

/// <summary>Standard output was closed by the one that read it, as <c>head -n 1</c> does after a line.</summary>
public sealed class OutputClosedException() : IOException("Standard output is closed.");

/// <summary>
/// Standard output as the system has it. The console's own stream ignores that the reader is gone (EPIPE), so that a command would
/// write into nothing without end, and waits for a reader that has stopped reading.
/// </summary>
internal sealed partial class StandardOutput : Stream
{
    private const int Descriptor = 1, Interrupted = 4, WouldBlock = 11, BrokenPipe = 32;
    private const short PollOut = 4, PollError = 8, PollHangUp = 16;

    private readonly Lazy<CancellationToken> _readerGone = new(WatchReader);
    private CancellationToken _givenUp;

    /// <summary>
    /// Cancelled once the reader of a pipe has closed it, though nothing is being written; watched for from the first call on.
    /// </summary>
    public CancellationToken ReaderGone => _readerGone.Value;

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanWrite => true;

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    /// <exception cref="OutputClosedException">Nothing reads any more.</exception>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            nint written = WriteOnce(Descriptor, in MemoryMarshal.GetReference(buffer), (nuint)buffer.Length);
            if (written >= 0)
            {
                buffer = buffer[(int)written..];
                continue;
            }

            switch (Marshal.GetLastPInvokeError())
            {
                case Interrupted: break;
                case WouldBlock: Poll(PollOut); break;
                case BrokenPipe: throw new OutputClosedException();
                case int error: throw new IOException($"Standard output cannot be written: {Marshal.GetPInvokeErrorMessage(error)}.");
            }
        }
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <inheritdoc/>
    /// <remarks>A write that was cancelled goes on until the reader reads, and none follows it.</remarks>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _givenUp.ThrowIfCancellationRequested();
        try
        {
            await Task.Run(() => Write(buffer.Span), cancellationToken).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            _givenUp = cancellationToken;
            throw;
        }
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <inheritdoc/>
    public override void Flush()
    {
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    private static CancellationToken WatchReader()
    {
        var gone = new CancellationTokenSource();
        new Thread(Watch) { IsBackground = true, Name = "standard output's reader" }.Start();
        return gone.Token;

        void Watch()
        {
            if ((Poll(events: 0) & (PollError | PollHangUp)) != 0) gone.Cancel();
        }
    }

    // Waits without end, on a thread that can be left behind.
    private static short Poll(short events)
    {
        var polled = new Polled { Descriptor = Descriptor, Events = events };
        while (PollOnce(ref polled, 1, timeoutMilliseconds: -1) < 0 && Marshal.GetLastPInvokeError() == Interrupted) { }
        return polled.Returned;
    }

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint WriteOnce(int descriptor, in byte bytes, nuint count);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int PollOnce(ref Polled polled, nuint count, int timeoutMilliseconds);

    // struct pollfd.
    private struct Polled
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
