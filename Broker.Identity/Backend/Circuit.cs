namespace Broker.Identity.Backend;

/// <summary>Decides whether a backend may be asked: after failures in a row it is left alone for a while.</summary>
/// <remarks>
/// <code>
///   Closed --failures in a row reach the bound--> Open --pause over, one caller enters--> Trial --success--> Closed
///                                                  ^                                       |
///                                                  +---------------- failure --------------+
/// </code>
/// Safe for many threads; a backend that works costs two interlocked reads.
/// </remarks>
/// <param name="failuresMax">Failures in a row that open it; 0 for never.</param>
/// <param name="pause">How long it stays open.</param>
/// <param name="time">The clock.</param>
public sealed class Circuit(int failuresMax, TimeSpan pause, TimeProvider time)
{
    private readonly Lock _lock = new();
    private int _failures;                  // In a row.
    private long _openUntil;                // A timestamp of the clock; 0 while closed.
    private bool _isTrying;                 // A trial is under way.

    /// <summary>Whether the backend counts as down.</summary>
    public bool IsOpen => Volatile.Read(ref _openUntil) != 0;

    /// <summary>Asks for a call, which ends with <see cref="Succeed"/>, <see cref="Fail"/> or <see cref="GiveUp"/>.</summary>
    /// <returns>Whether the backend may be asked now.</returns>
    public bool TryEnter()
    {
        if (Volatile.Read(ref _openUntil) == 0) return true;
        lock (_lock)
        {
            if (_openUntil == 0) return true;
            if (_isTrying || time.GetTimestamp() < _openUntil) return false;
            return _isTrying = true;
        }
    }

    /// <summary>The backend has answered.</summary>
    /// <returns>Whether it was down before.</returns>
    public bool Succeed()
    {
        if (Volatile.Read(ref _failures) == 0) return false;
        lock (_lock)
        {
            bool wasOpen = _openUntil != 0;
            _failures = 0;
            _openUntil = 0;
            _isTrying = false;
            return wasOpen;
        }
    }

    /// <summary>The backend has not answered, or not well.</summary>
    /// <returns>Whether it counts as down from now on, and did not before.</returns>
    public bool Fail()
    {
        if (failuresMax == 0) return false;
        lock (_lock)
        {
            bool wasOpen = _openUntil != 0;
            _isTrying = false;
            if (++_failures < failuresMax && !wasOpen) return false;
            _openUntil = Math.Max(1, time.GetTimestamp() + (long)(pause.TotalSeconds * time.TimestampFrequency));
            return !wasOpen;
        }
    }

    /// <summary>The caller went away before there was an answer.</summary>
    public void GiveUp()
    {
        if (Volatile.Read(ref _openUntil) == 0) return;
        lock (_lock) _isTrying = false;
    }
}
