namespace Broker.Cluster.Membership;

/// <summary>One life of one node in a cluster: a node that joins again has another number.</summary>
/// <param name="Address">HOST:PORT under which other nodes reach it.</param>
/// <param name="Uid">The number of its subscription.</param>
public readonly record struct NodeName(string Address, ulong Uid)
{
    /// <summary>As it stands in logs.</summary>
    public override string ToString() => $"{Address}#{Uid}";
}

/// <summary>How far a member is.</summary>
public enum MemberState
{
    /// <summary>Known, and not taking part yet.</summary>
    Joining,

    /// <summary>Takes part.</summary>
    Up,

    /// <summary>On its way out, by its own will.</summary>
    Leaving,

    /// <summary>Ended by the others.</summary>
    Down,
}

/// <summary>One member as this node sees it.</summary>
/// <param name="Node">Who.</param>
/// <param name="State">How far it is.</param>
/// <param name="IsReachable">Whether it is learned of.</param>
public readonly record struct ClusterMember(NodeName Node, MemberState State, bool IsReachable)
{
    /// <summary>The number of what it keeps; by it homes are ranked, so that a node that comes back gets its own again.</summary>
    public ulong Store { get; init; }
}

/// <summary>What a node knows of its cluster at one moment. Never changes.</summary>
/// <param name="Self">This node.</param>
/// <param name="Members">All members, this node too, in one order on all nodes.</param>
public sealed record ClusterView(NodeName Self, IReadOnlyList<ClusterMember> Members)
{
    /// <summary>Whether this node takes part.</summary>
    public bool IsUp => Members.Any(member => member.Node == Self && member.State == MemberState.Up);
}

/// <summary>Where a node is on its way into a cluster.</summary>
public enum ClusterPhase
{
    /// <summary>Looks for a cluster, or waits until enough nodes have joined.</summary>
    Joining,

    /// <summary>Takes part.</summary>
    Up,

    /// <summary>Was downed by the others, or has downed itself, and joins again.</summary>
    Rejoining,

    /// <summary>Leaves, or has left.</summary>
    Left,
}

/// <summary>The state of a cluster, as a node reports it to its administrator.</summary>
/// <param name="Cluster">The cluster's name.</param>
/// <param name="Address">HOST:PORT of this node.</param>
/// <param name="Phase">Where this node is.</param>
/// <param name="Waits">Why it is not up; empty if it is.</param>
/// <param name="Members">All members that it knows.</param>
public sealed record ClusterStatus(string Cluster, string Address, ClusterPhase Phase, string Waits, IReadOnlyList<ClusterMember> Members);
