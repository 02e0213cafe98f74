using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;

namespace Broker.Cluster.Protocol.Presence;

/// <summary>A client joined a channel or left it: an entry for the channel's stream.</summary>
/// <param name="IsJoin">Joined; otherwise left.</param>
/// <param name="Entry">The client, with the info that it had.</param>
/// <param name="Node">The node that has its connection.</param>
public readonly record struct PresenceChange(bool IsJoin, PresenceEntry Entry, MemberId Node);
