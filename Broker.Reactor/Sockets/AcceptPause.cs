using Broker.Reactor.Loops;

namespace Broker.Reactor.Sockets;

/// <summary>Stops accepting for a moment when the process is out of descriptors.</summary>
internal sealed class AcceptPause : ITimerOwner
{
    private const int PauseMilliseconds = 100;

    private readonly SocketReactor _reactor;
    private TimerEntry _timer;
    private ListeningSocket? _paused;

    internal AcceptPause(SocketReactor reactor) => _reactor = reactor;

    internal bool IsRunning => _paused is not null;

    internal void Start(ListeningSocket listener)
    {
        _paused = listener;
        _reactor.UnwatchListener(listener);
        _reactor.Timers.Schedule(this, _reactor.NowMilliseconds + PauseMilliseconds);
    }

    internal void Cancel()
    {
        _reactor.Timers.Cancel(this);
        _paused = null;
    }

    ref TimerEntry ITimerOwner.Timer => ref _timer;

    void ITimerOwner.OnDue(long nowMilliseconds)
    {
        if (_paused is not { } listener) return;
        _paused = null;
        _reactor.ResumeAccepting(listener);
    }
}
