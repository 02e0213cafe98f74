using Broker.Actors.Channels.Home;

namespace Broker.Actors.Channels.Relay;

/// <summary>A request of another node to a home of this one; handled in its channel's turn.</summary>
/// <param name="Lane">Where it came from, and where the answer goes.</param>
/// <param name="Partition">Of the channel.</param>
/// <param name="Channel">The channel.</param>
/// <param name="Message">The request.</param>
/// <param name="IsAppend">Whether it is a publication.</param>
internal sealed record NodeRequest(INodeLane Lane, int Partition, string Channel, byte[] Message, bool IsAppend);
