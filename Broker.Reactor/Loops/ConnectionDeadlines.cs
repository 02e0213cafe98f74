namespace Broker.Reactor.Loops;

/// <summary>
/// The two due times of a connection in one timer: the transport's, such as for the client's answer to a Close frame, and the session's.
/// </summary>
/// <remarks>For the loop's thread. A field of the connection, which owns the timer; times are milliseconds of the loop's clock.</remarks>
internal struct ConnectionDeadlines
{
    private long _transport = TimerEntry.Never;
    private long _session = TimerEntry.Never;

    /// <summary>Where the wheel keeps the earlier of the two.</summary>
    internal TimerEntry Timer;

    public ConnectionDeadlines()
    {
    }

    internal void SetTransport(TimerWheel wheel, ITimerOwner owner, long dueMilliseconds)
    {
        _transport = dueMilliseconds;
        Schedule(wheel, owner);
    }

    internal void SetSession(TimerWheel wheel, ITimerOwner owner, long dueMilliseconds)
    {
        _session = dueMilliseconds;
        Schedule(wheel, owner);
    }

    /// <summary>The session is over. The wheel learns of it when something else is scheduled.</summary>
    internal void ClearSession() => _session = TimerEntry.Never;

    /// <summary>Nothing is due any more.</summary>
    internal void Stop(TimerWheel wheel, ITimerOwner owner)
    {
        _transport = _session = TimerEntry.Never;
        wheel.Cancel(owner);
    }

    /// <summary>Whether the transport's time has come; it is cleared then.</summary>
    internal bool TakeTransport(long nowMilliseconds) => Take(ref _transport, nowMilliseconds);

    /// <summary>Whether the session's time has come; it is cleared then.</summary>
    internal bool TakeSession(long nowMilliseconds) => Take(ref _session, nowMilliseconds);

    /// <summary>Waits for whatever is due next.</summary>
    internal readonly void Schedule(TimerWheel wheel, ITimerOwner owner) => wheel.Schedule(owner, Math.Min(_transport, _session));

    private static bool Take(ref long due, long nowMilliseconds)
    {
        if (due > nowMilliseconds) return false;
        due = TimerEntry.Never;
        return true;
    }
}
