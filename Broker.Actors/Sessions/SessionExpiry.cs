using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Actors.Sessions;

/// <summary>When one client's connection expires, and its subscriptions. For the loop's thread.</summary>
/// <param name="loop">Whose clock it is.</param>
/// <param name="time">What the dates of access are compared with.</param>
/// <param name="grace">So much later than its date something ends that its client may be refreshing.</param>
/// <param name="onDue">Receives the key that has expired; empty for the connection.</param>
internal sealed class SessionExpiry(EventLoop loop, TimeProvider time, TimeSpan grace, Action<string> onDue)
{
    private readonly Dictionary<string, TimeSpan> _due = new(StringComparer.Ordinal);
    private readonly HashSet<string> _byHub = new(StringComparer.Ordinal);
    private LoopTimer? _timer;

    private TimeSpan Now => TimeSpan.FromMilliseconds(loop.NowMilliseconds);

    /// <summary>Until a date.</summary>
    internal TimeSpan? Left(DateTimeOffset? date) => date - time.GetUtcNow();

    /// <summary>Something expires at a date, or not any more.</summary>
    /// <param name="key">Of the subscription; empty for the connection.</param>
    /// <param name="date">When; null for never.</param>
    /// <param name="clientRefreshes">Whether the client refreshes it; else the hub does, at the date itself.</param>
    internal void Set(string key, DateTimeOffset? date, bool clientRefreshes = true)
    {
        if (clientRefreshes) _byHub.Remove(key);
        else if (date is not null) _byHub.Add(key);
        if (Left(date) is { } left) _due[key] = Now + left + (clientRefreshes ? grace : TimeSpan.Zero);
        else _due.Remove(key);
        Watch();
    }

    /// <summary>Whether the hub, and not the client, refreshes something.</summary>
    internal bool IsByHub(string key) => _byHub.Contains(key);

    /// <summary>The client is gone.</summary>
    internal void Stop() => _timer?.Stop();

    private void OnTime()
    {
        TimeSpan now = Now;
        foreach (string key in _due.Where(each => each.Value <= now).Select(static each => each.Key).ToList())
        {
            if (_due.Remove(key)) onDue(key);
        }

        Watch();
    }

    private void Watch()
    {
        if (_due.Count == 0)
        {
            _timer?.Stop();
            return;
        }

        // A timer takes a month at most: what is due later is looked at again then.
        TimeSpan wait = _due.Values.Min() - Now;
        (_timer ??= new LoopTimer(loop, OnTime))
            .Set(TimeSpan.FromMilliseconds(Math.Clamp(wait.TotalMilliseconds, 1, TimeSpan.FromDays(1).TotalMilliseconds)));
    }
}
