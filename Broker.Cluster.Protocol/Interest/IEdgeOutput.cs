using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;

namespace Broker.Cluster.Protocol.Interest;

/// <summary>Where the values go that an <see cref="EdgeInterest"/> puts out. Called within the calls to it, in order.</summary>
public interface IEdgeOutput
{
    /// <summary>A message for a home; this node itself may be the home.</summary>
    void Send(MemberId to, IPartitionMessage message);

    /// <summary>A publication for all listeners of the channel on this node, but for subscribers that are not answered yet.</summary>
    void Deliver(string channel, LogEntry entry);

    /// <summary>The listeners missed publications that cannot be given: each is told, with the position that it goes on from.</summary>
    void Gap(string channel, ChannelPosition position);

    /// <summary>A subscriber is answered; from the next delivery on it is a listener like the others.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="request">Of <see cref="EdgeInterest.Subscribe"/>.</param>
    /// <param name="position">The last publication it is given, or that came before it.</param>
    /// <param name="isRecovered">Everything behind the position it asked for is in <paramref name="missed"/>.</param>
    /// <param name="missed">Oldest first.</param>
    void Subscribed(string channel, ulong request, ChannelPosition position, bool isRecovered, IReadOnlyList<LogEntry> missed);
}
