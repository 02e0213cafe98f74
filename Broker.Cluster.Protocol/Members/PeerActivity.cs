namespace Broker.Cluster.Protocol.Members;

/// <summary>
/// When each peer was last heard on a lane; one for all partitions of a loop. It decides who is silent for the log and whether this node still
/// hears a majority. It decides nothing about membership.
/// </summary>
/// <remarks>For one thread. Times are of a monotonic clock of this node.</remarks>
/// <param name="self">This node's own run.</param>
/// <param name="pauseMax">A node that did not run for longer has heard nobody, whatever waits in its queues.</param>
public sealed class PeerActivity(MemberId self, TimeSpan pauseMax)
{
    private readonly Dictionary<MemberId, TimeSpan> _heard = [];
    private TimeSpan? _observed;

    /// <summary>This node's own run.</summary>
    public MemberId Self => self;

    /// <summary>To be called at the start of each turn of the loop, before what has arrived is handled.</summary>
    public void Observe(TimeSpan now)
    {
        if (_observed is { } last && now - last > pauseMax) _heard.Clear();
        _observed = now;
    }

    /// <summary>Something arrived from a peer: a heartbeat or any other message.</summary>
    public void Heard(MemberId peer, TimeSpan now) => _heard[peer] = now;

    /// <summary>A peer has left the membership, or its lane is down.</summary>
    public void Forget(MemberId peer) => _heard.Remove(peer);

    /// <summary>Whether a peer was heard within the limit; this node itself always is.</summary>
    public bool IsHeard(MemberId peer, TimeSpan now, TimeSpan limit) =>
        peer == self || (_heard.TryGetValue(peer, out TimeSpan at) && now - at <= limit);

    /// <summary>Whether more than half of the members, this node included, were heard within the limit.</summary>
    public bool HearsMajority(MembershipView view, TimeSpan now, TimeSpan limit)
    {
        int heard = 0;
        foreach (ClusterMember each in view.Members)
        {
            if (IsHeard(each.Id, now, limit)) heard++;
        }

        return view.Contains(self) && heard >= view.Majority;
    }
}
