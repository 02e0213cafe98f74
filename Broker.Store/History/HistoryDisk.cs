using Broker.Actors.Channels.History;

namespace Broker.Store.History;

/// <summary>The bytes that the histories of all shards have on the disk, and their bound. For all threads.</summary>
/// <remarks>
/// What is written counts at once, as it was given; from time to time the files are measured. Full means that nothing more is kept, until a
/// sixteenth of the bound is free again. Files shrink only when they are compacted, so what has expired is compacted away at the bound.
/// </remarks>
/// <param name="bytesMax">The bound.</param>
/// <param name="time">The clock.</param>
/// <param name="notify">Gets a line when the bound is reached, and one when there is room again.</param>
internal sealed class HistoryDisk(long bytesMax, TimeProvider time, Action<StoreNotice> notify)
{
    private static readonly TimeSpan s_compactEvery = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private long _measured, _added;
    private long? _compactedAt;
    private volatile bool _isFull;

    /// <summary>The bound.</summary>
    public long BytesMax => bytesMax;

    /// <summary>Bytes of all files, with what was written since they were measured.</summary>
    public long Bytes => Volatile.Read(ref _measured) + Volatile.Read(ref _added);

    /// <summary>Whether nothing more is kept.</summary>
    public bool IsFull => _isFull;

    /// <summary>What is answered while it is full.</summary>
    public static HistoryRejectedException Refusal() => new("channel histories are full");

    /// <summary>Counts what is about to be written.</summary>
    public void Add(long bytes)
    {
        if (Interlocked.Add(ref _added, bytes) + Volatile.Read(ref _measured) >= bytesMax && !_isFull) Decide();
    }

    /// <summary>
    /// Measures the files, and has them compacted where that may give room. Blocks on the disk; for one thread at a time.
    /// </summary>
    /// <param name="measure">Bytes of all files.</param>
    /// <param name="compact">Compacts those from which something was deleted; says whether there were any.</param>
    public void Update(Func<long> measure, Func<bool> compact)
    {
        Measure(measure);
        if (Bytes < bytesMax / 16 * 15 || (_compactedAt is { } last && time.GetElapsedTime(last) < s_compactEvery)) return;
        if (!compact()) return;
        _compactedAt = time.GetTimestamp();
        Measure(measure);
    }

    private void Measure(Func<long> measure)
    {
        long before = Volatile.Read(ref _added);        // What comes meanwhile may be counted twice, until the next time.
        Volatile.Write(ref _measured, measure());
        Interlocked.Add(ref _added, -before);
        Decide();
    }

    private void Decide()
    {
        lock (_gate)
        {
            long bytes = Bytes;
            if (!_isFull && bytes >= bytesMax)
            {
                _isFull = true;
                notify(new StoreNotice(
                    IsError: true,
                    $"Channel histories hold {bytes} bytes on the disk, and at most {bytesMax} (broker.history.disk-bytes-max): "
                        + $"publications into durable channels are refused until something expires."));
            }
            else if (_isFull && bytes < bytesMax / 16 * 15)
            {
                _isFull = false;
                notify(new StoreNotice(IsError: false, $"Channel histories have room on the disk again: {bytes} of {bytesMax} bytes."));
            }
        }
    }
}
