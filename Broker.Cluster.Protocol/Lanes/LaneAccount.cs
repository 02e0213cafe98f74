namespace Broker.Cluster.Protocol.Lanes;

/// <summary>What a message is to a lane that is full.</summary>
public enum LaneClass
{
    /// <summary>The log and everything that is numbered: never dropped; at the bound the lane is broken.</summary>
    Control,

    /// <summary>A delivery of a kept channel: may be dropped, as the edge finds the gap by the offset and reads it.</summary>
    KeptDelivery,

    /// <summary>A delivery of a channel without history: may be dropped, and the channel's listeners are told.</summary>
    VolatileDelivery,
}

/// <summary>What becomes of a message.</summary>
public enum LaneVerdict
{
    /// <summary>It is queued.</summary>
    Queue,

    /// <summary>It is dropped; the edge finds out.</summary>
    Drop,

    /// <summary>It is dropped, and a gap of the channel is noted for the edge.</summary>
    DropAndTell,

    /// <summary>The lane is broken.</summary>
    Break,
}

/// <summary>The bytes that wait in one lane, and whether they move. Invariant: 0 &lt;= waiting.</summary>
/// <param name="limits">The limits.</param>
public sealed class LaneAccount(LaneLimits limits)
{
    private TimeSpan _progressAt;

    /// <summary>Bytes queued and not taken by the peer.</summary>
    public long WaitingBytes { get; private set; }

    /// <summary>Judges a message, and counts it if it is queued.</summary>
    public LaneVerdict Queue(LaneClass kind, int bytes, TimeSpan now)
    {
        if (WaitingBytes == 0) _progressAt = now;
        if (now - _progressAt > limits.ProgressMax) return LaneVerdict.Break;
        if (WaitingBytes + bytes <= limits.WaitingBytesMax)
        {
            WaitingBytes += bytes;
            return LaneVerdict.Queue;
        }

        return kind switch
        {
            LaneClass.KeptDelivery => LaneVerdict.Drop,
            LaneClass.VolatileDelivery => LaneVerdict.DropAndTell,
            _ => LaneVerdict.Break,
        };
    }

    /// <summary>The peer has taken so many bytes.</summary>
    public void OnTaken(int bytes, TimeSpan now)
    {
        WaitingBytes = Math.Max(0, WaitingBytes - bytes);
        _progressAt = now;
    }

    /// <summary>Whether bytes wait and none was taken for too long: the lane is broken.</summary>
    public bool IsStuck(TimeSpan now) => WaitingBytes > 0 && now - _progressAt > limits.ProgressMax;

    /// <summary>The connection is another one.</summary>
    public void Reset(TimeSpan now) => (WaitingBytes, _progressAt) = (0, now);
}
