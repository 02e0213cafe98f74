namespace Broker.Reactor.Loops;

/// <summary>
/// The two due times of a connection in one timer: the transport's, such as for the client's answer to a Close frame, and the session's.
/// </summary>
/// <remarks>For the loop's thread. A field of the connection, as <see cref="OutboundSide"/> is.</remarks>
internal struct ConnectionDeadlines
{
    private long _transport = TimerEntry.Never;
    private long _session = TimerEntry.Never;

    /// <summary>Where the wheel keeps the earlier of the two.</summary>
    internal TimerEntry Timer;

    public ConnectionDeadlines()
    {
    }

    internal void SetTransport(Connection connection, TimeSpan after)
    {
        _transport = DueIn(connection, after);
        Schedule(connection);
    }

    internal void ClearTransport(Connection connection)
    {
        _transport = TimerEntry.Never;
        Schedule(connection);
    }

    internal void SetSession(Connection connection, TimeSpan after)
    {
        _session = DueIn(connection, after);
        Schedule(connection);
    }

    /// <summary>The session is over. The wheel learns of it when something else is scheduled.</summary>
    internal void ClearSession() => _session = TimerEntry.Never;

    /// <summary>Nothing is due any more.</summary>
    internal void Stop(Connection connection)
    {
        _transport = _session = TimerEntry.Never;
        connection.Loop.Timers.Cancel(connection);
    }

    /// <summary>Whether the transport's time has come; it is cleared then.</summary>
    internal bool TakeTransport(long nowMilliseconds) => Take(ref _transport, nowMilliseconds);

    /// <summary>Whether the session's time has come; it is cleared then.</summary>
    internal bool TakeSession(long nowMilliseconds) => Take(ref _session, nowMilliseconds);

    /// <summary>Waits for whatever is due next.</summary>
    internal readonly void Schedule(Connection connection) => connection.Loop.Timers.Schedule(connection, Math.Min(_transport, _session));

    private static bool Take(ref long due, long nowMilliseconds)
    {
        if (due > nowMilliseconds) return false;
        due = TimerEntry.Never;
        return true;
    }

    private static long DueIn(Connection connection, TimeSpan after) => connection.Loop.NowMilliseconds + (long)after.TotalMilliseconds;
}
