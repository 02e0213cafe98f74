namespace Broker.Reactor.Loops;

/// <summary>One deadline on a loop's clock, beside that of a connection. Every member belongs to the loop's thread.</summary>
/// <param name="loop">The loop.</param>
/// <param name="onDue">Called when the time has come, up to one tick of 64 ms late; may set it anew.</param>
public sealed class LoopTimer(EventLoop loop, Action onDue) : TimerEntry
{
    /// <summary>Calls after this time; replaces the one set before.</summary>
    public void Set(TimeSpan after)
    {
        DueMilliseconds = loop.NowMilliseconds + Math.Max(0, (long)Math.Ceiling(after.TotalMilliseconds));
        loop.Timers.Schedule(this, DueMilliseconds);
    }

    /// <summary>Does not call any more.</summary>
    public void Stop()
    {
        DueMilliseconds = Never;
        loop.Timers.Cancel(this);
    }

    internal override void OnDue(long nowMilliseconds)
    {
        DueMilliseconds = Never;
        onDue();
    }
}
