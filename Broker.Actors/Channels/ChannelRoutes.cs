using System.IO.Hashing;
using System.Runtime.InteropServices;
using Akka.Actor;
using Broker.Actors.Channels.Home;

namespace Broker.Actors.Channels;

/// <summary>Which home a channel has. The same name has the same home for every session, by its hash alone.</summary>
/// <param name="homes">The homes of this node, each at the place of its number.</param>
/// <param name="nodes">Where homes are in a cluster: channels are then spread by their partitions, as the lanes between nodes are.</param>
public sealed class ChannelRoutes(IReadOnlyList<IActorRef> homes, INodeDirectory? nodes = null)
{
    /// <summary>The home of a channel, or what leads to it on another node.</summary>
    public IActorRef HomeOf(string channel) =>
        homes[nodes is null ? NumberOf(channel, homes.Count) : nodes.PartitionOf(channel) % homes.Count];

    /// <summary>The number of a channel's home: XXH3-64 over the UTF-16 of its name, reduced to the count.</summary>
    public static int NumberOf(string channel, int count) =>
        count == 1 ? 0 : (int)(XxHash3.HashToUInt64(MemoryMarshal.AsBytes(channel.AsSpan())) % (uint)count);
}
