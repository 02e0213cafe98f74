namespace Broker.Cluster.Lanes;

/// <summary>What one lane has carried, over all its connections. Written by the lane's loop, read from any thread.</summary>
public sealed class LaneCounters
{
    private long _sent, _sentBytes, _received, _receivedBytes, _dropped;

    /// <summary>Messages of channels that were given to the connection.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>Their bytes.</summary>
    public long SentBytes => Volatile.Read(ref _sentBytes);

    /// <summary>Messages of channels that have arrived.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Their bytes.</summary>
    public long ReceivedBytes => Volatile.Read(ref _receivedBytes);

    /// <summary>Publications that were dropped because too much was waiting.</summary>
    public long Dropped => Volatile.Read(ref _dropped);

    internal void OnSent(int bytes)
    {
        _sent++;
        _sentBytes += bytes;
    }

    internal void OnReceived(int bytes)
    {
        _received++;
        _receivedBytes += bytes;
    }

    internal void OnDropped() => Interlocked.Increment(ref _dropped);
}

/// <summary>One lane as it is now.</summary>
/// <param name="Node">HOST:PORT of the other node.</param>
/// <param name="Number">The lane's number.</param>
/// <param name="IsOpen">Whether it is connected.</param>
/// <param name="WaitingBytes">Bytes that wait to leave.</param>
/// <param name="Counters">What it has carried.</param>
public readonly record struct LaneReport(string Node, int Number, bool IsOpen, int WaitingBytes, LaneCounters Counters);
