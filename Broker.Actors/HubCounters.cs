using Broker.Core.Reactor;

namespace Broker.Actors;

/// <summary>What a hub counts, from any thread.</summary>
public sealed class HubCounters
{
    private readonly long[] _ended = new long[Enum.GetValues<ClosureCause>().Length];
    private int _open;

    /// <summary>WebSocket connections that are open now.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>How many connections ended by a cause, since the start; each ends by exactly one.</summary>
    public long Ended(ClosureCause cause) => Volatile.Read(ref _ended[(int)cause]);

    /// <summary>Counts one more open connection, unless there are as many as there may be.</summary>
    internal bool TryOpen(int most)
    {
        if (Interlocked.Increment(ref _open) <= most) return true;
        Interlocked.Decrement(ref _open);
        return false;
    }

    /// <summary>One that <see cref="TryOpen"/> let in did not open after all.</summary>
    internal void Withdraw() => Interlocked.Decrement(ref _open);

    internal void Count(ClosureCause cause, bool wasOpen)
    {
        Interlocked.Increment(ref _ended[(int)cause]);
        if (wasOpen) Interlocked.Decrement(ref _open);
    }
}
