namespace Broker.Cluster.Protocol.Members;

/// <summary>
/// When each peer was last received on a lane; one for all partitions of a loop. It decides who is silent for the log and whether this node
/// still receives a majority. It decides nothing about subscription.
/// </summary>
/// <remarks>For one thread. Times are of a monotonic clock of this node.</remarks>
/// <param name="self">This node's own run.</param>
/// <param name="pauseMax">A node that did not run for longer has received no one, whatever waits in its queues.</param>
public sealed class PeerActivity(MemberId self, TimeSpan pauseMax)
{
    private readonly Dictionary<MemberId, TimeSpan> _received = [];
    private TimeSpan? _observed;

    /// <summary>This node's own run.</summary>
    public MemberId Self => self;

    /// <summary>To be called at the start of each turn of the loop, before what has arrived is handled.</summary>
    public void Observe(TimeSpan now)
    {
        if (_observed is { } last && now - last > pauseMax) _received.Clear();
        _observed = now;
    }

    /// <summary>Something arrived from a peer: a heartbeat or any other message.</summary>
    public void Received(MemberId peer, TimeSpan now) => _received[peer] = now;

    /// <summary>A peer has left the subscription, or its lane is down.</summary>
    public void Evict(MemberId peer) => _received.Remove(peer);

    /// <summary>Whether a peer was received within the limit; this node itself always is.</summary>
    public bool IsHeard(MemberId peer, TimeSpan now, TimeSpan limit) =>
        peer == self || (_received.TryGetValue(peer, out TimeSpan at) && now - at <= limit);

    /// <summary>Whether more than half of the members, this node included, were received within the limit.</summary>
    public bool HearsMajority(MembershipView view, TimeSpan now, TimeSpan limit)
    {
        int received = 0;
        foreach (ClusterMember each in view.Members)
        {
            if (IsHeard(each.Id, now, limit)) received++;
        }

        return view.Contains(self) && received >= view.Majority;
    }
}
