using Broker.Core.Counting;
using Broker.Reactor.Loops;

namespace Broker.Actors.Metrics;

/// <summary>What a hub counts, from any thread.</summary>
public sealed class HubCounters
{
    private readonly long[] _ended = new long[Enum.GetValues<ClosureCause>().Length];
    private readonly CodeCounts[] _disconnects = [.. Enum.GetValues<ClosureCause>().Select(_ => new CodeCounts(CodeTable.CloseCodes))];
    private int _open;

    /// <summary>WebSocket connections that are open now.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>How many connections ended by a cause, since the start; each ends by exactly one.</summary>
    public long Ended(ClosureCause cause) => Volatile.Read(ref _ended[(int)cause]);

    /// <summary>
    /// How WebSocket connections ended by a cause, by the code of the first Close frame. Those that never opened are not among them.
    /// </summary>
    public CodeCounts Disconnects(ClosureCause cause) => _disconnects[(int)cause];

    /// <summary>Opening handshakes that were refused on their way through another server, by status of HTTP.</summary>
    public CodeCounts Handshakes { get; } = new(CodeTable.HandshakeStatuses);

    /// <summary>Counts one more open connection, unless there are as many as there may be.</summary>
    internal bool TryOpen(int most)
    {
        if (Interlocked.Increment(ref _open) <= most) return true;
        Interlocked.Decrement(ref _open);
        return false;
    }

    /// <summary>One that <see cref="TryOpen"/> admitted did not open after all.</summary>
    internal void Withdraw() => Interlocked.Decrement(ref _open);

    internal void Count(Closure closure, bool wasOpen)
    {
        Interlocked.Increment(ref _ended[(int)closure.Cause]);
        if (!wasOpen) return;
        _disconnects[(int)closure.Cause].Add((int)closure.Code);
        Interlocked.Decrement(ref _open);
    }
}
