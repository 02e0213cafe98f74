namespace Broker.Host.Logging;

/// <summary>
/// Lines on their way to a reader that may stall: a bounded queue and a thread of its own that writes. No one who logs ever waits; what
/// does not fit is dropped, counted, and reported when there is room again.
/// </summary>
internal sealed class LogQueue : IDisposable
{
    private static readonly TimeSpan s_flushLimit = TimeSpan.FromSeconds(1);

    private readonly Stream _output;
    private readonly int _bytesMax;
    private readonly Func<long, byte[]> _describeDropped;
    private readonly Queue<byte[]> _waiting = new();
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _work = new(0);
    private readonly Thread _writer;
    private long _bytes;                // Of the lines in the queue, and of the one that is being written.
    private long _droppedNow;           // Since the reader was last notified.
    private long _dropped;
    private bool _ended;

    /// <summary>Starts to write.</summary>
    /// <param name="output">Written by one thread only; a write may block for ever.</param>
    /// <param name="bytesMax">Bytes of lines that may wait.</param>
    /// <param name="describeDropped">Makes the line that says how many were dropped.</param>
    public LogQueue(Stream output, int bytesMax, Func<long, byte[]> describeDropped)
    {
        _output = output;
        _bytesMax = bytesMax;
        _describeDropped = describeDropped;

        // In the background: a thread that is stuck in a write must not keep the process.
        _writer = new Thread(Write) { IsBackground = true, Name = "log" };
        _writer.Start();
    }

    /// <summary>Lines that were dropped so far.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    /// <summary>Puts a line into the queue, or drops it. Never blocks.</summary>
    /// <param name="line">Its bytes, with the line's end; the queue's from now on.</param>
    public void Add(byte[] line)
    {
        ArgumentNullException.ThrowIfNull(line);
        lock (_gate)
        {
            if (_ended || _bytes + line.Length > _bytesMax)
            {
                _droppedNow++;
                _dropped++;
                return;
            }

            _bytes += line.Length;
            _waiting.Enqueue(line);
        }

        _work.Release();
    }

    /// <summary>Takes no more, and waits a moment until what is in the queue is written.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_ended) return;
            _ended = true;
        }

        _work.Release();
        _writer.Join(s_flushLimit);
    }

    private void Write()
    {
        while (true)
        {
            _work.Wait();
            if (Take(out byte[]? line, out long dropped)) return;
            if (dropped > 0) WriteOne(_describeDropped(dropped));
            if (line is null)
            {
                if (dropped > 0) _work.Release();
                continue;
            }

            WriteOne(line);
            lock (_gate) _bytes -= line.Length;
        }
    }

    // True at the end of everything.
    private bool Take(out byte[]? line, out long dropped)
    {
        lock (_gate)
        {
            // Told before the next line, so that the gap stands where it is.
            dropped = _droppedNow;
            _droppedNow = 0;
            return !_waiting.TryDequeue(out line) && _ended && dropped == 0;
        }
    }

    private void WriteOne(byte[] line)
    {
        try
        {
            _output.Write(line);
            _output.Flush();
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException or UnauthorizedAccessException)
        {
            // Nothing reads any more, and there is no other place to say so.
            lock (_gate) _dropped++;
        }
    }
}
