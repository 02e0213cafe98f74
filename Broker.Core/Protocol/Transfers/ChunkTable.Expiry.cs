using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Broker.Core.Buffers;
using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Transfers;

/// <content>Streams that are over without an end: late ones, and slow ones that give way to others.</content>
public sealed partial class ChunkTable
{
    /// <summary>Returns the next stream that has taken too long. Call it until it returns false; no chunk is needed.</summary>
    public bool TryExpire(TimeSpan now, out StreamExpiry expired)
    {
        Evict(now);
        return _expired.TryDequeue(out expired);
    }

    private void Evict(TimeSpan now)
    {
        while (TryFindExpired(now, out IncomingStream? stream))
        {
            bool wasIdle = stream.Progress + limits.IdleLimit <= now;
            _expired.Enqueue(stream.AsExpired(wasIdle, wasIdle ? limits.IdleLimit : limits.LifeLimit));
            Drop(stream, ChunkError.Expired);
        }

        if (now - _looked >= s_lookInterval) Shed(now);
    }

    // Others wait for memory that this connection's streams hold: a slow one gives way.
    private void Shed(TimeSpan now)
    {
        _looked = now;
        foreach (IncomingStream stream in _streams.Values)
        {
            if (!stream.IsShedBy(budget, now)) continue;
            _expired.Enqueue(stream.AsShed());
            Drop(stream, ChunkError.Cancelled);
            return;
        }
    }

    private bool TryFindExpired(TimeSpan now, [NotNullWhen(true)] out IncomingStream? expired)
    {
        foreach (IncomingStream stream in _streams.Values)
        {
            if (ExpiryOf(stream) > now) continue;
            expired = stream;
            return true;
        }

        expired = null;
        return false;
    }

    private static TimeSpan Earlier(TimeSpan one, TimeSpan other) => one < other ? one : other;

    // None for one that is held up: it is not its sender that takes the time.
    private TimeSpan ExpiryOf(IncomingStream stream)
    {
        if (stream.IsHeldUp) return TimeSpan.MaxValue;
        TimeSpan idle = stream.Progress + limits.IdleLimit;
        TimeSpan life = stream.Started + limits.LifeLimit;
        return Earlier(idle, life);
    }
}
