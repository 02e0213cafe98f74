using Akka.Actor;
using Akka.Event;

namespace Broker.Actors.Channels.Home;

/// <summary>Which node is the home of each channel, and the ways there, as this node sees its cluster. For any thread.</summary>
public interface INodeDirectory
{
    /// <summary>How many partitions there are; the same on every node.</summary>
    int Partitions { get; }

    /// <summary>The partition of a channel; the same on every node.</summary>
    int PartitionOf(string channel);

    /// <summary>Where the home of a partition's channels is now.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="isKept">
    /// Whether the channel has a history. Homes of those move when a member is removed, leaves or joins; of others as soon as a node is not
    /// reached.
    /// </param>
    HomeWay WayTo(int partition, bool isKept);

    /// <summary>Where a partition is to go whose home this node is; null where it stays.</summary>
    INodeLane? MoveTo(int partition) => null;

    /// <summary>
    /// The number of the move that made this node the home of a partition: 0 if it began with nothing; null if it is not the home.
    /// </summary>
    ulong? MoveOf(int partition) => null;

    /// <summary>Makes another node the home of a partition that this one is the home of; <see cref="WayTo"/> tells when it is.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="node">The other node's name, which has been given everything under the number of the move.</param>
    /// <param name="move">The number.</param>
    void Give(int partition, string node, ulong move)
    {
    }

    /// <summary>The lane that a partition uses to a node; null if it is not open.</summary>
    INodeLane? LaneTo(string node, int partition) => null;
}

/// <summary>Where a home is.</summary>
/// <param name="IsHere">On this node.</param>
/// <param name="Lane">The way to the node that it is on; null if it is here, or while there is no way.</param>
public readonly record struct HomeWay(bool IsHere, INodeLane? Lane);

/// <summary>
/// One connection to another node, in the order of sending. Another connection to the same node is another object. For any thread.
/// </summary>
public interface INodeLane
{
    /// <summary>The other node's name, with the number of its subscription.</summary>
    string Node { get; }

    /// <summary>Queues a message for the relay and home of a partition on the other node.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="message">Its bytes; not to be changed any more.</param>
    /// <param name="mayDrop">Whether it may be dropped when too much waits: the other side finds a gap by its number.</param>
    /// <returns>False if the lane has ended. True says no more than that: what was queued is lost if the lane ends.</returns>
    bool Send(int partition, byte[] message, bool mayDrop = false);

    /// <summary>Ends the connection; another one begins with what both sides know then.</summary>
    void Close(string reason);
}

/// <summary>What the cluster tells the homes and relays of this node; each is sent to the actors of all of them.</summary>
public static class NodeEvents
{
    /// <summary>Messages of another node for the partitions of one relay, in their order.</summary>
    /// <param name="Lane">Where they came from.</param>
    /// <param name="Messages">Partition and bytes of each.</param>
    public sealed record Arrived(INodeLane Lane, IReadOnlyList<(int Partition, byte[] Bytes)> Messages)
        : INoSerializationVerificationNeeded;

    /// <summary>Homes, or ways to them, have changed.</summary>
    public sealed record Changed : INoSerializationVerificationNeeded
    {
        /// <summary>The only one.</summary>
        public static Changed Instance { get; } = new();
    }

    /// <summary>A lane has ended. Nothing arrives of it any more.</summary>
    /// <param name="Lane">The lane.</param>
    public sealed record Ended(INodeLane Lane) : INoSerializationVerificationNeeded;

    /// <summary>A node is no member any more.</summary>
    /// <param name="Node">Its name, as its lanes have it.</param>
    public sealed record Removed(string Node) : INoSerializationVerificationNeeded;
}
