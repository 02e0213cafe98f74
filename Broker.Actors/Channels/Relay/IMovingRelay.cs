using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Home;

namespace Broker.Actors.Channels.Relay;

/// <summary>What moving partitions needs of the relay of a node: who listens and is there, on this node and on others.</summary>
internal interface IMovingRelay
{
    /// <summary>The number of its home: partition p is served by the home p modulo their number.</summary>
    int Number { get; }

    /// <summary>The histories of the home.</summary>
    IHistoryStore Store { get; }

    /// <summary>To be called when something begins to wait for another node.</summary>
    Action OnNodesWaiting { get; }

    /// <summary>The channels of this node in a partition whose home is here, with its clients that are there.</summary>
    IEnumerable<(string Channel, IReadOnlyList<PresentClient> Members)> ListenersHere(int partition);

    /// <summary>The other nodes that listen to channels of partitions whose home is here, with their clients there.</summary>
    IEnumerable<(string Node, string Channel, IReadOnlyList<PresentClient> Members)> ListenersElsewhere(IReadOnlySet<int> partitions);

    /// <summary>The former home of a channel has named a node that listens, and who of its clients is there.</summary>
    void Adopt(INodeLane lane, string channel, int partition, IReadOnlyList<PresentClient> members);

    /// <summary>The former home of a channel has named clients of a node that this one has no lane to.</summary>
    void Hide(string node, string channel, IReadOnlyList<PresentClient> members);

    /// <summary>The channels of this node in a partition whose home was on another node, and is here now, stay attached.</summary>
    void AdoptHere(int partition, INodeLane former);

    /// <summary>Announces what has changed on this node in a channel that has moved here, since its former home knew of it.</summary>
    void ReconcileHere(string channel, IReadOnlyList<PresentClient> before);

    /// <summary>A partition that was about to move stays here.</summary>
    void StayHere(int partition);
}
