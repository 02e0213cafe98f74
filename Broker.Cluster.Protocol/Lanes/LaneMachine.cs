namespace Broker.Cluster.Protocol.Lanes;

/// <summary>Where a lane to a peer stands.</summary>
public enum LaneState
{
    /// <summary>Not connected; dialled when the back-off is over.</summary>
    Down,

    /// <summary>A connection is made, or the handshake is under way.</summary>
    Dialling,

    /// <summary>Messages flow.</summary>
    Up,

    /// <summary>Connected, and nothing was received for a while: the log does without the peer.</summary>
    Silent,

    /// <summary>The peer refused for good: another cluster, partition count, version or secret.</summary>
    Refused,

    /// <summary>The peer was removed from the members; the lane ends.</summary>
    Gone,
}

/// <summary>What the owner of a lane does after a call.</summary>
public enum LaneAction
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Make a connection.</summary>
    Dial,

    /// <summary>The lane begins: send the digests and the terms; what was in flight before is lost.</summary>
    Begin,

    /// <summary>Close the connection; what the peer was sent of interest is to be sent again.</summary>
    Close,

    /// <summary>Say once why it was refused.</summary>
    ReportRefusal,
}

/// <summary>The limits of a lane.</summary>
public sealed record LaneLimits
{
    /// <summary>Of the peer's silence, until the log does without it.</summary>
    public TimeSpan SilentAfter { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>Of the peer's silence, until the connection is closed.</summary>
    public TimeSpan DownAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>For a connection and its handshake.</summary>
    public TimeSpan DialMax { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Before the first attempt after a failure; each further one waits twice as long.</summary>
    public TimeSpan BackOffMin { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest wait between attempts.</summary>
    public TimeSpan BackOffMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Between heartbeats.</summary>
    public TimeSpan HeartbeatEvery { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Bytes that may wait at one end.</summary>
    public int WaitingBytesMax { get; init; } = 16 << 20;

    /// <summary>How long bytes may wait without any being taken.</summary>
    public TimeSpan ProgressMax { get; init; } = TimeSpan.FromSeconds(5);
}

/// <summary>The states of the lane that this node dials to one run of a peer. Pure: the owner does what is returned.</summary>
/// <remarks>
/// <code>
/// Down      member, back-off over: Dialling (Dial)
/// Dialling  welcome: Up (Begin)      refused for good: Refused (ReportRefusal)      error, too long: Down (Close)
/// Up        silence: Silent          error, bound: Down (Close)
/// Silent    anything received: Up    longer silence, error, bound: Down (Close)
/// any       the peer was removed: Gone (Close)
/// </code>
/// What was received of a lane is a prefix of what was sent on that connection. Between connections nothing is assumed.
/// </remarks>
/// <param name="limits">The limits.</param>
/// <param name="random">For the jitter of the back-off.</param>
public sealed class LaneMachine(LaneLimits limits, Random random)
{
    private TimeSpan _since;
    private TimeSpan _receivedAt;
    private int _failures;

    /// <summary>Where the lane stands.</summary>
    public LaneState State { get; private set; }

    /// <summary>When it is dialled next; meaningful while it is down.</summary>
    public TimeSpan DialAt { get; private set; }

    /// <summary>Messages can be sent.</summary>
    public bool IsConnected => State is LaneState.Up or LaneState.Silent;

    /// <summary>The peer took the handshake.</summary>
    public LaneAction OnWelcome(TimeSpan now)
    {
        if (State != LaneState.Dialling) return LaneAction.None;
        State = LaneState.Up;
        _receivedAt = now;
        _failures = 0;
        return LaneAction.Begin;
    }

    /// <summary>The peer refused the handshake, with a reason that will not change.</summary>
    public LaneAction OnRefused()
    {
        if (State != LaneState.Dialling) return LaneAction.None;
        State = LaneState.Refused;
        return LaneAction.ReportRefusal;
    }

    /// <summary>The connection failed or ended, the peer broke the protocol, or a bound was reached.</summary>
    public LaneAction OnError(TimeSpan now)
    {
        if (State is LaneState.Down or LaneState.Refused or LaneState.Gone) return LaneAction.None;
        State = LaneState.Down;
        TimeSpan backOff = limits.BackOffMin * Math.Pow(2, Math.Min(_failures, 30));
        if (backOff > limits.BackOffMax) backOff = limits.BackOffMax;
        _failures++;
        DialAt = now + (backOff * (0.5 + (0.5 * random.NextDouble())));
        return LaneAction.Close;
    }

    /// <summary>Something was received.</summary>
    public void OnReceived(TimeSpan now)
    {
        _receivedAt = now;
        if (State == LaneState.Silent) State = LaneState.Up;
    }

    /// <summary>The peer was removed from the members.</summary>
    public LaneAction OnRemoved()
    {
        if (State == LaneState.Gone) return LaneAction.None;
        State = LaneState.Gone;
        return LaneAction.Close;
    }

    /// <summary>Lets time pass.</summary>
    public LaneAction Tick(TimeSpan now)
    {
        switch (State)
        {
            case LaneState.Down when now >= DialAt:
                State = LaneState.Dialling;
                _since = now;
                return LaneAction.Dial;
            case LaneState.Dialling when now - _since > limits.DialMax:
                return OnError(now);
            case LaneState.Up when now - _receivedAt > limits.SilentAfter:
                State = LaneState.Silent;
                return LaneAction.None;
            case LaneState.Silent when now - _receivedAt > limits.DownAfter:
                return OnError(now);
            default:
                return LaneAction.None;
        }
    }
}
