namespace Broker.Cli.Bench;

/// <summary>Counts what arrives, from many connections at once and with little contention.</summary>
internal sealed class LoadMeter
{
    private volatile LatencyHistogram[] _shards = MakeShards();
    private long _earlier;
    private int _open, _restarts;

    /// <summary>Connections that are open.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <summary>A connection has opened.</summary>
    public void Opened() => Interlocked.Increment(ref _open);

    /// <summary>A connection has ended.</summary>
    public void Closed() => Interlocked.Decrement(ref _open);

    /// <summary>Counts one message.</summary>
    /// <param name="connection">The number of the connection that it came by.</param>
    /// <param name="nanoseconds">How long it took.</param>
    public void Record(int connection, long nanoseconds)
    {
        LatencyHistogram[] shards = _shards;
        shards[connection % shards.Length].Record(nanoseconds);
    }

    /// <summary>Drops what was counted, as at the end of a warm-up; what is counted meanwhile may be dropped with it.</summary>
    public void Restart()
    {
        LatencyHistogram[] earlier = _shards;
        _shards = MakeShards();
        Interlocked.Add(ref _earlier, Latencies.Of(earlier).Count);
        Interlocked.Increment(ref _restarts);
    }

    /// <summary>How often it was restarted.</summary>
    public int Restarts => Volatile.Read(ref _restarts);

    /// <summary>Messages counted in all, restarts or not.</summary>
    public long Total => Interlocked.Read(ref _earlier) + Read().Count;

    /// <summary>What was counted since the start, or the last restart.</summary>
    public Latencies Read() => Latencies.Of(_shards);

    private static LatencyHistogram[] MakeShards() =>
        [.. Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(_ => new LatencyHistogram())];
}
