using Broker.Reactor.Loops;

namespace Broker.Actors.Channels.Relay;

/// <summary>
/// Says when the position of each channel with positioned subscribers is to be compared with its home's: once an interval, however many
/// subscribers it has.
/// </summary>
/// <remarks>
/// For the relay's thread. The interval is the same for all channels, so a queue in the order of their due times is all that is kept; a
/// publication costs nothing here. A channel that has lost its positioned subscribers leaves the queue when its time comes.
/// </remarks>
internal sealed class PositionChecks
{
    private const int ChannelsOfTurnMax = 1000;
    private static readonly TimeSpan s_soon = TimeSpan.FromMilliseconds(64);

    private readonly Queue<(RelayChannel Channel, long DueMilliseconds)> _watched = new();
    private readonly EventLoop _loop;
    private readonly long _intervalMilliseconds;
    private readonly Action<RelayChannel> _check;
    private readonly LoopTimer _timer;

    /// <summary>Begins with no channel.</summary>
    /// <param name="loop">Whose clock it is.</param>
    /// <param name="interval">Between two checks of one channel.</param>
    /// <param name="check">Compares; the channel may be without positioned subscribers.</param>
    internal PositionChecks(EventLoop loop, TimeSpan interval, Action<RelayChannel> check)
    {
        _loop = loop;
        _intervalMilliseconds = (long)interval.TotalMilliseconds;
        _check = check;
        _timer = new LoopTimer(loop, OnTime);
    }

    /// <summary>A channel has a positioned subscriber; one that is watched already is left where it stands.</summary>
    internal void Watch(RelayChannel channel)
    {
        if (channel.IsWatched) return;
        channel.IsWatched = true;
        _watched.Enqueue((channel, _loop.NowMilliseconds + _intervalMilliseconds));
        if (_watched.Count == 1) _timer.Set(TimeSpan.FromMilliseconds(_intervalMilliseconds));
    }

    /// <summary>Checks no more.</summary>
    internal void Stop() => _timer.Stop();

    private void OnTime()
    {
        long now = _loop.NowMilliseconds;
        for (int i = 0;
        i < ChannelsOfTurnMax && _watched.TryPeek(out (RelayChannel Channel, long DueMilliseconds) next) && next.DueMilliseconds <= now;
        i++)
        {
            _watched.Dequeue();
            next.Channel.IsWatched = false;
            if (next.Channel.Positioned == 0) continue;
            next.Channel.IsWatched = true;
            _watched.Enqueue((next.Channel, now + _intervalMilliseconds));
            _check(next.Channel);
        }

        if (!_watched.TryPeek(out (RelayChannel Channel, long DueMilliseconds) first)) return;
        TimeSpan wait = TimeSpan.FromMilliseconds(first.DueMilliseconds - now);
        _timer.Set(wait > s_soon ? wait : s_soon);
    }
}
