using Broker.Actors.Sessions;
using Broker.Actors.Access;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;

namespace Broker.Actors.Api;

/// <summary>
/// What a server may ask of the hub: for an application that embeds it, and beneath the HTTP API. No permissions are checked here.
/// </summary>
/// <remarks>
/// <para>
/// For any thread. Every call is answered; one that cannot be done fails with a <see cref="HubApiException"/> that has the error to send.
/// Calls for one channel that are made one after the other, each when the one before has been answered, take effect in that order.
/// </para>
/// <para>
/// Orders of checks: an empty channel, or one whose name breaks a rule: 107. A namespace that is not configured: 102. Then what the call
/// names itself.
/// </para>
/// </remarks>
public interface IHubApi
{
    /// <summary>Publishes to a channel.</summary>
    /// <returns>Where it stands and who gets it, once the history has kept it as its store promises.</returns>
    /// <exception cref="HubApiException">
    /// 107: no data, or data that its namespace does not take. 106: longer than <c>message-bytes-max</c>.
    /// </exception>
    Task<PublishAnswer> PublishAsync(string channel, PublishRequest request, CancellationToken cancellationToken = default);

    /// <summary>Publishes the same to several channels, at the same time.</summary>
    /// <returns>For each channel, in the order given, its answer or why not.</returns>
    Task<IReadOnlyList<BroadcastAnswer>> BroadcastAsync(
        IReadOnlyList<string> channels, PublishRequest request, CancellationToken cancellationToken = default);

    /// <summary>
    /// Subscribes a user's connections to a channel, as if each had asked and were allowed. No connection: no effect, no error.
    /// </summary>
    /// <param name="target">Which.</param>
    /// <param name="subscription">The channel, and what holds for the subscription.</param>
    /// <param name="recoverSince">Sends what was published behind this position; null for nothing.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="HubApiException">105: the connection is subscribed to the channel already.</exception>
    Task SubscribeAsync(
        UserConnections target, ServerSubscription subscription, StreamPosition? recoverSince = null, CancellationToken cancellationToken =
            default);

    /// <summary>Ends the subscriptions of a user's connections to a channel; they get the code 2000.</summary>
    Task UnsubscribeAsync(UserConnections target, string channel, CancellationToken cancellationToken = default);

    /// <summary>Disconnects a user's connections.</summary>
    /// <param name="target">Which.</param>
    /// <param name="reason">The close code and its reason; 3503 is usual.</param>
    /// <param name="except">Client ids to leave alone.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task DisconnectAsync(
        UserConnections target, DisconnectReason reason, IReadOnlyCollection<string>? except = null, CancellationToken cancellationToken =
            default);

    /// <summary>Sets when a user's connections expire; they are notified.</summary>
    /// <param name="target">Which.</param>
    /// <param name="expiry">When, or that they have.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task RefreshAsync(UserConnections target, ConnectionExpiry expiry, CancellationToken cancellationToken = default);

    /// <summary>Who is subscribed to a channel.</summary>
    /// <exception cref="HubApiException">108: the namespace has no presence.</exception>
    Task<IReadOnlyCollection<ClientInfo>> PresenceAsync(string channel, CancellationToken cancellationToken = default);

    /// <summary>Tells why a client did or did not get a publication, or without one how it stands to a channel.</summary>
    /// <param name="client">The client's id.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="offset">The publication's offset in the channel's present epoch; null for none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <remarks>What has ended is remembered for as long as it fits <c>broker.explain.bytes-max</c>, on this node.</remarks>
    Task<Explanation> ExplainAsync(string client, string channel, ulong? offset = null, CancellationToken cancellationToken = default);

    /// <summary>How many are subscribed to a channel, without their list.</summary>
    /// <exception cref="HubApiException">108: the namespace has no presence.</exception>
    Task<PresenceCounts> PresenceStatsAsync(string channel, CancellationToken cancellationToken = default);

    /// <summary>A page of a channel's history.</summary>
    /// <exception cref="HubApiException">108: the namespace has no history. 112: another epoch. 107: backwards from offset 0.</exception>
    Task<HistoryPage> HistoryAsync(string channel, HistoryQuery query, CancellationToken cancellationToken = default);

    /// <summary>Removes all publications of a channel's history. Its position stays.</summary>
    /// <exception cref="HubApiException">108: the namespace has no history.</exception>
    Task RemoveHistoryAsync(string channel, CancellationToken cancellationToken = default);

    /// <summary>Channels with subscribers, with the number of clients.</summary>
    /// <param name="pattern">
    /// A glob over the whole name: <c>*</c> any text, <c>?</c> one character, <c>[ab]</c> one of them; null for all.
    /// </param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<IReadOnlyDictionary<string, int>> ChannelsAsync(string? pattern = null, CancellationToken cancellationToken = default);

    /// <summary>Counts of this hub; of a node of a cluster, of this node.</summary>
    Task<HubFigures> InfoAsync(CancellationToken cancellationToken = default);

    /// <summary>Counts of each node of the cluster; of a hub of one node, its own.</summary>
    async Task<IReadOnlyList<NodeFigures>> InfoOfNodesAsync(CancellationToken cancellationToken = default) =>
        [new NodeFigures("", await InfoAsync(cancellationToken).ConfigureAwait(false))];
}
