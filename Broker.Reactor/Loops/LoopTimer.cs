namespace Broker.Reactor.Loops;

/// <summary>One due time on a loop's clock, beside that of a connection. Every member belongs to the loop's thread.</summary>
public sealed class LoopTimer : ITimerOwner
{
    private readonly EventLoop _loop;
    private readonly Action _onDue;
    private TimerEntry _entry;

    /// <summary>Makes a timer that is not set.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="onDue">Called when the time has come, up to one tick of 64 ms late; may set it anew.</param>
    public LoopTimer(EventLoop loop, Action onDue)
    {
        _loop = loop;
        _onDue = onDue;
    }

    /// <summary>Calls after this time; replaces the one set before.</summary>
    public void Set(TimeSpan after) =>
        _loop.Timers.Schedule(this, _loop.NowMilliseconds + Math.Max(0, (long)Math.Ceiling(after.TotalMilliseconds)));

    /// <summary>Does not call any more.</summary>
    public void Stop() => _loop.Timers.Cancel(this);

    ref TimerEntry ITimerOwner.Timer => ref _entry;

    void ITimerOwner.OnDue(long nowMilliseconds) => _onDue();
}
