namespace Broker.Cluster.Protocol.Members;

/// <summary>A member as this node sees it.</summary>
/// <param name="Id">The run of the node.</param>
/// <param name="Store">Its replica store.</param>
public sealed record ClusterMember(MemberId Id, StoreId Store)
{
    /// <summary>Where it stands, for spreading copies; empty if nothing is sent.</summary>
    public string Zone { get; init; } = "";

    /// <summary>The failure detector receives it.</summary>
    public bool IsReachable { get; init; } = true;

    /// <summary>It is shutting down: it takes no new home, and follows only where no other component can.</summary>
    public bool IsDraining { get; init; }

    /// <summary>It has left the members that count: it takes neither homes nor copies.</summary>
    public bool IsLeaving { get; init; }

    /// <summary>It may become the home of a partition.</summary>
    public bool TakesHomes => !IsDraining && !IsLeaving && Store.Value != 0;

    /// <summary>It may hold copies of a partition.</summary>
    public bool TakesCopies => !IsLeaving && Store.Value != 0;
}
