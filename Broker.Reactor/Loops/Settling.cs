namespace Broker.Reactor.Loops;

/// <summary>
/// The end of a connection that comes as soon as every answer that it owes has been written, or after a limit. For the loop's thread.
/// </summary>
/// <param name="timers">The loop's.</param>
/// <param name="atTurnEnd">Runs something at the end of the loop's turn.</param>
/// <param name="owesAnswers">Whether answers are still to be written.</param>
/// <param name="end">Ends the connection.</param>
internal sealed class Settling(TimerWheel timers, Action<Action> atTurnEnd, Func<bool> owesAnswers, Action end) : ITimerOwner
{
    private TimerEntry _timer;
    private bool _isOver;

    ref TimerEntry ITimerOwner.Timer => ref _timer;

    /// <summary>Waits until then at most.</summary>
    internal void Start(long dueMilliseconds) => timers.Schedule(this, dueMilliseconds);

    /// <summary>The last answer has been given. It may still stand in a frame in the making, which leaves at the end of the turn.</summary>
    internal void OnSettled() => atTurnEnd(() => End(isLate: false));

    /// <summary>The connection has ended otherwise.</summary>
    internal void Stop()
    {
        _isOver = true;
        timers.Cancel(this);
    }

    void ITimerOwner.OnDue(long nowMilliseconds) => atTurnEnd(() => End(isLate: true));

    private void End(bool isLate)
    {
        if (_isOver || (!isLate && owesAnswers())) return;
        Stop();
        end();
    }
}
