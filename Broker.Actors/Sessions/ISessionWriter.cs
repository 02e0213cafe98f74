using Broker.Actors.Calls;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;

namespace Broker.Actors.Sessions;

/// <summary>What a session writes to its client; each dialect writes it in its own words. Only for the loop's thread.</summary>
public interface ISessionWriter : ISubscriber
{
    /// <summary>The name of its dialect.</summary>
    string Dialect { get; }

    /// <summary>What carries its messages, as the application's backend is told it.</summary>
    string Transport => "websocket";

    /// <summary>
    /// How many items of the hub's calls may be pending before the first credit, from connect on; null where the hub cannot call it.
    /// </summary>
    CallWindows? WindowsOfHubCalls => null;

    /// <summary>What its calls write, and those of the hub.</summary>
    ICallWriter Calls { get; }

    /// <summary>Whether a client can be told of a subscription that the server makes; else the server makes none for it.</summary>
    bool TakesServerSubscriptions => true;

    /// <summary>
    /// Whether a client is sent in the answer to its connect what the server subscribes it to; else as each subscription is made.
    /// </summary>
    bool SendsSubscriptionsOnConnect => false;

    /// <summary>The client is admitted.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="admission">As whom, and what the client is sent.</param>
    void Connected(uint id, in Admission admission);

    /// <summary>The connect command failed; the client may try again where its dialect lets it.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="error">Why.</param>
    void NotConnected(uint id, HubError error) => Failed(id, index: 0, error);

    /// <summary>The publication is on its way.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="receivers">Subscriptions that it goes to.</param>
    /// <param name="position">Its place in the channel; <c>default</c> where it takes none.</param>
    void Published(uint id, int receivers, StreamPosition position);

    /// <summary>A page of a channel's history.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="page">The page.</param>
    void History(uint id, string channel, HistoryPage page) => Failed(id, index: 0, HubError.NotAvailable);

    /// <summary>Who is in a channel.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="members">Who.</param>
    void Presence(uint id, IReadOnlyCollection<ClientInfo> members) => Failed(id, index: 0, HubError.NotAvailable);

    /// <summary>How many are in a channel.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="counts">How many.</param>
    void PresenceStats(uint id, PresenceCounts counts) => Failed(id, index: 0, HubError.NotAvailable);

    /// <summary>The command failed; the connection stays.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="index">Which command of its frame it was, from 0.</param>
    /// <param name="error">Why.</param>
    void Failed(uint id, int index, HubError error);

    /// <summary>The server ended a subscription.</summary>
    /// <param name="subscription">The subscription, with the channel's number.</param>
    /// <param name="reason">Why.</param>
    void Evicted(Subscription subscription, UnsubscribeReason reason);

    /// <summary>The connection, or a subscription, has been refreshed.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="channel">The subscription's channel; null for the connection.</param>
    /// <param name="timeLeft">Until it expires; null for never.</param>
    void Refreshed(uint id, string? channel, TimeSpan? timeLeft) => Failed(id, index: 0, HubError.NotAvailable);

    /// <summary>The server has set anew when the connection expires.</summary>
    /// <param name="timeLeft">Until then; null for never.</param>
    void RefreshedByServer(TimeSpan? timeLeft)
    {
    }

    /// <summary>The connection ends, with everything written before it.</summary>
    void Disconnect(DisconnectReason reason);

    /// <summary>The client has asked to end the connection: the connection ends, with everything written before it.</summary>
    void CloseByClient();

    /// <summary>The session waits for an answer of access: nothing more is read of the client.</summary>
    void Pause();

    /// <summary>The session goes on.</summary>
    void Resume();
}

/// <summary>How a client was admitted.</summary>
/// <param name="Client">The connection's id.</param>
/// <param name="User">The user; empty for an anonymous client.</param>
public readonly record struct Admission(string Client, string User)
{
    /// <summary>
    /// Until the connection expires unless the client refreshes it; null for never, or where the client has nothing to do for it.
    /// </summary>
    public TimeSpan? TimeLeft { get; init; }

    /// <summary>Data for the client.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>What the server subscribes it to, where the writer sends that here; null for nothing.</summary>
    public IReadOnlyList<(Subscription Subscription, SubscribeResult Result)>? Subscriptions { get; init; }
}
