namespace Broker.Store;

/// <summary>Whether the store can write, as far as its last try has shown. For all threads.</summary>
public sealed class StoreHealth
{
    private const int ProbesOnGoodDisk = 20;        // More than the database takes to go on by itself when a full disk has room again.

    private readonly Action<StoreNotice> _notify;
    private int _probesOnGoodDisk;                  // In a row.
    private volatile bool _isFailing;
    private long _failures;

    internal StoreHealth(Action<StoreNotice> notify) => _notify = notify;

    /// <summary>Whether the last write failed: reads go on, writes are refused, and it is tried again every second.</summary>
    public bool IsFailing => _isFailing;

    /// <summary>Groups of writes that failed so far.</summary>
    public long Failures => Volatile.Read(ref _failures);

    /// <summary>A write has failed. Only the first of a row is told.</summary>
    internal void Fail(Exception failure)
    {
        Interlocked.Increment(ref _failures);
        if (_isFailing) return;
        _isFailing = true;
        _notify(new StoreNotice(IsError: true, $"The store cannot write, and refuses writes until it can: {failure.Message}"));
    }

    /// <summary>A write that no one asked for has failed. What the database does not recover from is told once.</summary>
    /// <param name="failure">What it said.</param>
    /// <param name="diskWorks">Whether a file of its own could be written and synced in the same folder.</param>
    internal void FailProbe(Exception failure, bool diskWorks)
    {
        Fail(failure);
        _probesOnGoodDisk = diskWorks ? _probesOnGoodDisk + 1 : 0;
        if (_probesOnGoodDisk != ProbesOnGoodDisk) return;
        _notify(new StoreNotice(
            IsError: true,
            "The disk takes writes again, but the database does not go on after such a failure, and refuses writes until the process is "
                + "restarted. What was acknowledged with durability disk is there then."));
    }

    /// <summary>A write has succeeded.</summary>
    internal void Recover()
    {
        _probesOnGoodDisk = 0;
        if (!_isFailing) return;
        _isFailing = false;
        _notify(new StoreNotice(IsError: false, "The store can write again."));
    }
}

/// <summary>Something that the one who runs the store should know; may name files.</summary>
/// <param name="IsError">Whether it needs someone.</param>
/// <param name="Text">One line.</param>
public readonly record struct StoreNotice(bool IsError, string Text);
