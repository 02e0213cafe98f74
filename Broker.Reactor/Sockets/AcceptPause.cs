using Broker.Reactor.Loops;

namespace Broker.Reactor.Sockets;

/// <summary>Stops accepting for a moment when the process is out of descriptors.</summary>
internal sealed class AcceptPause(SocketReactor reactor) : TimerEntry
{
    private const int PauseMilliseconds = 100;
    private ListeningSocket? _paused;

    internal bool IsRunning => _paused is not null;

    internal void Start(ListeningSocket listener)
    {
        _paused = listener;
        reactor.UnwatchListener(listener);
        DueMilliseconds = reactor.NowMilliseconds + PauseMilliseconds;
        reactor.Timers.Schedule(this, DueMilliseconds);
    }

    internal void Cancel()
    {
        DueMilliseconds = Never;
        reactor.Timers.Cancel(this);
        _paused = null;
    }

    internal override void OnDue(long nowMilliseconds)
    {
        DueMilliseconds = Never;
        if (_paused is not { } listener) return;
        _paused = null;
        reactor.ResumeAccepting(listener);
    }
}
