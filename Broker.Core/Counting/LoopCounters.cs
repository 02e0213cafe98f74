namespace Broker.Core.Counting;

/// <summary>What one loop counts: written by its thread alone, without a lock, and read from any.</summary>
/// <remarks>Counts by code may be written from any thread; they are for what is rare.</remarks>
public sealed class LoopCounters
{
    private const int Padding = 16;             // 128 bytes on either side: no other loop writes to the same line of the processor's cache.

    private readonly long[] _counts = new long[Padding + Enum.GetValues<LoopCount>().Length + Padding];
    private long _toRepeat;

    /// <summary>Opening handshakes that were refused, by status of HTTP.</summary>
    public CodeCounts Handshakes { get; } = new(CodeTable.HandshakeStatuses);

    /// <summary>Commands that were answered with an error.</summary>
    public CodeCounts Requests { get; } = new(CodeTable.RequestErrors);

    /// <summary>Calls of clients that were answered with a fault.</summary>
    public CodeCounts Calls { get; } = new(CodeTable.CallFaults);

    /// <summary>Streams and chunks of clients that were refused.</summary>
    public CodeCounts Streams { get; } = new(CodeTable.StreamErrors);

    /// <summary>Adds. On the loop's thread.</summary>
    public void Add(LoopCount count, long by = 1) => _counts[Padding + (int)count] += by;

    /// <summary>Sets. On the loop's thread.</summary>
    public void Set(LoopCount count, long value) => _counts[Padding + (int)count] = value;

    /// <summary>What has been counted. From any thread.</summary>
    public long Read(LoopCount count) => Volatile.Read(ref _counts[Padding + (int)count]);

    /// <summary>Payloads have come, with so many messages in all. On the loop's thread.</summary>
    public void AddReceived(int payloads, int messages)
    {
        Add(LoopCount.PayloadsReceived, payloads);
        Add(LoopCount.MessagesReceived, messages);
    }

    /// <summary>Payloads were written, with so many messages in all. On the loop's thread.</summary>
    public void AddSent(long payloads, long messages)
    {
        Add(LoopCount.PayloadsSent, payloads);
        Add(LoopCount.MessagesSent, messages);
    }

    /// <summary>A socket took bytes. On the loop's thread.</summary>
    internal void AddBytesSent(int bytes)
    {
        if (_toRepeat > 0)
        {
            int repeated = (int)Math.Min(_toRepeat, bytes);
            _toRepeat -= repeated;
            bytes -= repeated;
        }

        Add(LoopCount.BytesSent, bytes);
    }

    /// <summary>
    /// A socket did not take bytes that were counted, and that will be sent again: a counter never goes back, so they are not counted then.
    /// </summary>
    internal void RepeatBytes(int bytes) => _toRepeat += bytes;
}
