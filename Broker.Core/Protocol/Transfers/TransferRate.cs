namespace Broker.Core.Protocol.Transfers;

/// <summary>How fast a transfer moves, second by second.</summary>
/// <param name="start">When it began.</param>
public struct TransferRate(TimeSpan start)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(1);

    private TimeSpan _start = start;    // Of the interval that is being measured.
    private long _bytes;                // In it so far.

    /// <summary>So many bytes have moved.</summary>
    public void Add(long bytes) => _bytes += bytes;

    /// <summary>Waiting for the other side of the hub does not count.</summary>
    public void Restart(TimeSpan now) => (_start, _bytes) = (now, 0);

    /// <summary>Ends an interval of a second or more.</summary>
    /// <param name="now">The time.</param>
    /// <param name="bytesPerSecond">What has moved in it, in a second.</param>
    /// <returns>False while it is shorter.</returns>
    public bool TryMeasure(TimeSpan now, out long bytesPerSecond)
    {
        bytesPerSecond = 0;
        if (now - _start < s_interval) return false;
        bytesPerSecond = (long)(_bytes / (now - _start).TotalSeconds);
        Restart(now);
        return true;
    }
}
