namespace Broker.Host.Memory;

/// <summary>
/// Decides when a process that has become quiet shall return the memory of its busy time. Pure: it is told what was used.
/// </summary>
public struct TrimRule
{
    /// <summary>Of this share of one processor, and less, the process is quiet.</summary>
    public const double QuietShare = 0.02;

    /// <summary>So many bytes have to be allocated since the last time: for less, a pause of all loops is not worth it.</summary>
    public const long WorthBytes = 16 * 1024 * 1024;

    private TimeSpan _used;
    private long _allocatedAtTrim;

    /// <summary>Asked at the end of each interval.</summary>
    /// <param name="interval">Its length.</param>
    /// <param name="used">Processor time that the process has ever used.</param>
    /// <param name="allocatedBytes">Bytes that it has ever allocated.</param>
    /// <param name="keptBytes">Bytes of buffers that are kept and not in use; they are allocated no more, and worth as much.</param>
    /// <returns>Whether to trim now; then the same bytes count no more.</returns>
    public bool IsDue(TimeSpan interval, TimeSpan used, long allocatedBytes, long keptBytes = 0)
    {
        bool quiet = used - _used <= interval * QuietShare;
        _used = used;
        if (!quiet || (allocatedBytes - _allocatedAtTrim < WorthBytes && keptBytes < WorthBytes)) return false;
        _allocatedAtTrim = allocatedBytes;
        return true;
    }
}
