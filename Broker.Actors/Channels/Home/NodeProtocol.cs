using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Home;

/// <summary>
/// What nodes tell each other of channels beside <see cref="ChannelHomeProtocol"/>. Values only; each message has its bytes in
/// <see cref="NodeSerializer"/>. On one node the home is asked directly instead.
/// </summary>
public static class NodeProtocol
{
    /// <summary>
    /// Home to the requester: the channel's home is elsewhere, as this node sees the cluster. Nothing was done; ask again.
    /// </summary>
    /// <param name="Request">Of the request.</param>
    public readonly record struct NotHome(ulong Request);

    /// <summary>Relay to home: read a page of a history.</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Request">Repeated in the answer.</param>
    /// <param name="Query">What is wanted.</param>
    public readonly record struct ReadHistory(string Channel, ulong Request, HistoryQuery Query);

    /// <summary>Home to relay.</summary>
    /// <param name="Request">Of the read.</param>
    /// <param name="Page">The page; null with an error.</param>
    /// <param name="Error">Why not.</param>
    public readonly record struct HistoryRead(ulong Request, HistoryPage? Page, HubError? Error);

    /// <summary>Relay to home: remove the publications of a history.</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Request">Repeated in the answer.</param>
    public readonly record struct RemoveHistory(string Channel, ulong Request);

    /// <summary>Home to relay.</summary>
    /// <param name="Request">Of the removal.</param>
    /// <param name="Error">Why not; null if they are removed.</param>
    public readonly record struct HistoryRemoved(ulong Request, HubError? Error);

    /// <summary>Relay to home: a client of this node is in a channel that the node is attached to.</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Member">The client.</param>
    /// <param name="IsReported">Whether those who receive joins are told; not of members that the home is told of again.</param>
    public readonly record struct Join(string Channel, ClientInfo Member, bool IsReported);

    /// <summary>Relay to home: a client of this node is in the channel no longer.</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Client">The client's id.</param>
    /// <param name="IsReported">Whether those who receive leaves are told.</param>
    public readonly record struct Leave(string Channel, string Client, bool IsReported);

    /// <summary>
    /// Relay to home, behind an attach that follows a change of the home or of the lane: these, and no others, are the node's clients in
    /// the channel.
    /// </summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Members">The clients.</param>
    public readonly record struct Present(string Channel, IReadOnlyCollection<PresentClient> Members);

    /// <summary>
    /// Relay to home, every ten seconds for each partition: what the node listens to there, while nothing of it is on its way.
    /// </summary>
    /// <param name="Value">The digest.</param>
    public readonly record struct Digest(InterestDigest Value);

    /// <summary>Home to relay: the digest differs from what the home knows; everything is wanted.</summary>
    public readonly record struct ListWanted;

    /// <summary>Relay to home: everything that the node listens to in the partition. It takes the place of what was known.</summary>
    /// <param name="Channels">Each channel with the node's clients that are there.</param>
    public readonly record struct Listens(IReadOnlyList<Present> Channels);

    /// <summary>Home to relay: the home did not know that the node listens to these; it has to attach again.</summary>
    /// <param name="Channels">The channels.</param>
    public readonly record struct NotAttached(IReadOnlyList<string> Channels);

    /// <summary>Home to each attached relay: someone joined or left.</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Change">Who, and which of both.</param>
    public readonly record struct Announce(string Channel, PresenceChange Change);

    /// <summary>Relay to home: who is in a channel?</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Request">Repeated in the answer.</param>
    /// <param name="CountsOnly">How many is enough.</param>
    public readonly record struct ReadPresence(string Channel, ulong Request, bool CountsOnly);

    /// <summary>Home to relay.</summary>
    /// <param name="Request">Of the question.</param>
    /// <param name="Counts">How many.</param>
    /// <param name="Members">Who; null if only the counts were asked for.</param>
    /// <param name="Error">Why not.</param>
    public readonly record struct PresenceRead(
        ulong Request, PresenceCounts Counts, IReadOnlyCollection<ClientInfo>? Members, HubError? Error);
}
