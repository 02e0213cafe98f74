namespace Broker.AspNetCore.Api;

/// <summary>What the server API may ask of the cluster that the hub is in. For any thread.</summary>
public interface IClusterControl
{
    /// <summary>How the cluster is, as this node sees it.</summary>
    ClusterReport Report();

    /// <summary>Has a node leave in order; its process then ends.</summary>
    /// <param name="node">HOST:PORT of the node; null for this one.</param>
    /// <returns>False if no member has this address.</returns>
    bool TryLeave(string? node);

    /// <summary>Removes a node that does not answer any more, at once.</summary>
    /// <param name="node">HOST:PORT of the node.</param>
    /// <returns>False if no member has this address.</returns>
    bool TryDown(string node);
}

/// <summary>How a cluster is, as one node sees it.</summary>
/// <param name="Cluster">Its name.</param>
/// <param name="Node">HOST:PORT of the node that tells.</param>
/// <param name="Phase">Where that node is: joining, up, rejoining or left.</param>
/// <param name="Waits">Why it is not up; empty if it is.</param>
/// <param name="Nodes">All members that it knows.</param>
public sealed record ClusterReport(string Cluster, string Node, string Phase, string Waits, IReadOnlyList<ClusterNodeReport> Nodes);

/// <summary>One member.</summary>
/// <param name="Address">HOST:PORT under which other nodes reach it.</param>
/// <param name="Uid">The number of its subscription; another one after it was down.</param>
/// <param name="State">joining, up, leaving or down.</param>
/// <param name="IsReachable">Whether it is learned of.</param>
public sealed record ClusterNodeReport(string Address, ulong Uid, string State, bool IsReachable)
{
    /// <summary>Partitions whose channels have their home there, as the asked node knows it.</summary>
    public int Partitions { get; init; }

    /// <summary>Whether it hands its partitions over and is about to leave.</summary>
    public bool IsDraining { get; init; }

    /// <summary>Lanes of the asked node to it that are open; null for the asked node itself.</summary>
    public int? LanesOpen { get; init; }

    /// <summary>Bytes that wait there for it; null for the asked node itself.</summary>
    public long? WaitingBytes { get; init; }
}
