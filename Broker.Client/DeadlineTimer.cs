namespace Broker.Client;

/// <summary>One timer for whatever has a deadline on a connection: set to the next one, and only when that has changed.</summary>
internal sealed class DeadlineTimer : IDisposable
{
    private readonly ConnectionState _state;
    private readonly OutboundCalls _calls;
    private readonly Downloads _downloads;
    private readonly ITimer _timer;
    private TimeSpan? _next;

    public DeadlineTimer(ConnectionState state, OutboundCalls calls, Downloads downloads)
    {
        _state = state;
        _calls = calls;
        _downloads = downloads;
        _timer = state.Options.Time.CreateTimer(_ => OnTime(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        state.TimersChanged = Set;
    }

    /// <summary>Without the lock.</summary>
    public void Dispose() => _timer.Dispose();

    private void OnTime()
    {
        lock (_state.Gate)
        {
            if (_state.CloseInfo is not null) return;
            _calls.Expire();
            _downloads.Expire();
            _next = null;
            Set();
        }
    }

    private void Set()
    {
        TimeSpan? next = _calls.NextDeadline;
        if (_downloads.NextDeadline is { } expiry && (next is null || expiry < next)) next = expiry;
        if (next == _next) return;
        _next = next;
        TimeSpan wait = next is { } time
            ? TimeSpan.FromTicks(Math.Clamp((time - _state.Now).Ticks, 0, TimeSpan.TicksPerDay))
            : Timeout.InfiniteTimeSpan;
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }
}
