using Akka.Actor;
using Akka.Event;
using Broker.Actors.Access;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Delivery;

/// <summary>
/// Every message between sessions, the homes of channels (<see cref="ChannelHomeActor"/>) and the fan-out of each loop, on one node.
/// </summary>
/// <remarks>
/// All messages of a client to one channel pass its home, and go from there to each loop in one order: a subscription that was
/// added before a publication gets it, and one that was added after it does not.
/// </remarks>
public static class ChannelProtocol
{
    /// <summary>Session to home: subscribe this client.</summary>
    /// <param name="Subscription">Passed on to the fan-out of its loop; its options say what the client wants.</param>
    /// <param name="Id">Of the command; 0 if the client did not ask.</param>
    /// <param name="Bytes">Of the command.</param>
    public sealed record Subscribe(Subscription Subscription, uint Id, int Bytes) : INoSerializationVerificationNeeded
    {
        /// <summary>Data for the client, and when its subscription expires, as access has it; the home fills in the rest.</summary>
        public SubscribeResult Terms { get; init; }

        /// <summary>What access grants over the channel's own rules; null for nothing.</summary>
        public SubscriptionTerms? Granted { get; init; }
    }

    /// <summary>Session to home: this client is no longer subscribed. Sent exactly once for each subscribe.</summary>
    /// <param name="Subscription">As it was subscribed.</param>
    /// <param name="Id">Of the command; 0 if no caller waits for an answer.</param>
    /// <param name="Bytes">Of the command.</param>
    public sealed record Unsubscribe(Subscription Subscription, uint Id, int Bytes) : INoSerializationVerificationNeeded;

    /// <summary>Any actor to home: publish this. Answered with <see cref="Published"/> or <see cref="Failed"/>.</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Publication">What is published; of long data the message is a holder.</param>
    /// <param name="ReplyTo">Who is answered.</param>
    /// <param name="Id">Of the command.</param>
    /// <param name="Bytes">Of the command.</param>
    public sealed record Publish(string Channel, Publication Publication, IActorRef ReplyTo, uint Id, int Bytes)
        : INoSerializationVerificationNeeded
    {
        /// <summary>How it is to be taken.</summary>
        public PublishOptions Options { get; init; } = PublishOptions.None;
    }

    /// <summary>Home to publisher: a publication has its place in the channel, and is on its way.</summary>
    /// <param name="Id">Of the command.</param>
    /// <param name="Bytes">Of the command, no longer pending.</param>
    /// <param name="Receivers">Subscriptions that it goes to.</param>
    /// <param name="Position">Its place in the channel; <c>default</c> where it takes none.</param>
    public sealed record Published(uint Id, int Bytes, int Receivers, StreamPosition Position) : ISessionMessage
    {
        /// <summary>Not sent again: its idempotency key or its version was known.</summary>
        public bool Suppressed { get; init; }
    }

    /// <summary>
    /// Any actor to home: read a page of a channel's history. Answered with <see cref="HistoryRead"/> or <see cref="Failed"/>.
    /// </summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Query">What is wanted.</param>
    /// <param name="ReplyTo">Who is answered.</param>
    /// <param name="Id">Of the command.</param>
    /// <param name="Bytes">Of the command.</param>
    public sealed record ReadHistory(string Channel, HistoryQuery Query, IActorRef ReplyTo, uint Id, int Bytes)
        : INoSerializationVerificationNeeded;

    /// <summary>Home to reader.</summary>
    /// <param name="Id">Of the command.</param>
    /// <param name="Bytes">Of the command, no longer pending.</param>
    /// <param name="Channel">The channel.</param>
    /// <param name="Page">The page.</param>
    public sealed record HistoryRead(uint Id, int Bytes, string Channel, HistoryPage Page) : ISessionMessage;

    /// <summary>
    /// Server to home: remove the publications of a channel's history. Answered with <see cref="HistoryRemoved"/> or <see cref="Failed"/>.
    /// </summary>
    public sealed record RemoveHistory(string Channel, IActorRef ReplyTo) : INoSerializationVerificationNeeded;

    /// <summary>Home to server: they are removed.</summary>
    public sealed record HistoryRemoved : INoSerializationVerificationNeeded;

    /// <summary>Any actor to home: who is in a channel? Answered with <see cref="PresenceRead"/> or <see cref="Failed"/>.</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="CountsOnly">How many is enough.</param>
    /// <param name="ReplyTo">Who is answered.</param>
    /// <param name="Id">Of the command.</param>
    /// <param name="Bytes">Of the command.</param>
    public sealed record ReadPresence(string Channel, bool CountsOnly, IActorRef ReplyTo, uint Id, int Bytes)
        : INoSerializationVerificationNeeded;

    /// <summary>Home to the requester.</summary>
    /// <param name="Id">Of the command.</param>
    /// <param name="Bytes">Of the command, no longer pending.</param>
    /// <param name="Counts">How many.</param>
    /// <param name="Members">Who; null if only the counts were asked for.</param>
    public sealed record PresenceRead(uint Id, int Bytes, PresenceCounts Counts, IReadOnlyCollection<ClientInfo>? Members)
        : ISessionMessage;

    /// <summary>Server to home: which channels have subscribers? Answered with <see cref="ChannelsListed"/>.</summary>
    /// <param name="Accepts">Which names are wanted.</param>
    /// <param name="ReplyTo">Who is answered.</param>
    public sealed record ListChannels(Func<string, bool> Accepts, IActorRef ReplyTo) : INoSerializationVerificationNeeded;

    /// <summary>Home to server: names, and subscriptions of each.</summary>
    public sealed record ChannelsListed(IReadOnlyList<KeyValuePair<string, int>> Channels) : INoSerializationVerificationNeeded;

    /// <summary>Home to the sender: a command failed.</summary>
    /// <param name="Id">Of the command.</param>
    /// <param name="Bytes">Of the command, no longer pending.</param>
    /// <param name="Error">Why.</param>
    /// <param name="Subscription">The subscription that did not come to be, if the command was to subscribe.</param>
    public sealed record Failed(uint Id, int Bytes, HubError Error, Subscription? Subscription) : ISessionMessage;

    /// <summary>Fan-out to session: this subscription has ended on the server's side.</summary>
    /// <param name="Subscription">The subscription.</param>
    /// <param name="Reason">Why.</param>
    public sealed record Evicted(Subscription Subscription, UnsubscribeReason Reason) : ISessionMessage;

    /// <summary>Home to fan-out: put this subscription into the channel's list, and tell its client so.</summary>
    /// <param name="Subscription">The subscription.</param>
    /// <param name="Home">The home's number.</param>
    /// <param name="Result">Where the channel stands; the client's first delivery is the next one.</param>
    /// <param name="Id">Of the command.</param>
    /// <param name="Bytes">Of the command.</param>
    public sealed record AddSubscriber(Subscription Subscription, int Home, SubscribeResult Result, uint Id, int Bytes)
        : INoSerializationVerificationNeeded;

    /// <summary>Home to fan-out: take this subscription off the channel's list, and tell its client so if it asked.</summary>
    /// <param name="Subscription">The subscription.</param>
    /// <param name="Id">Of the command; 0 if no caller waits for an answer.</param>
    /// <param name="Bytes">Of the command.</param>
    public sealed record RemoveSubscriber(Subscription Subscription, uint Id, int Bytes) : INoSerializationVerificationNeeded;

    /// <summary>Home to fan-out: one publication for all of the channel's subscriptions on that loop.</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Home">Where <see cref="Sent"/> goes; its bytes are accounted under the home's number.</param>
    /// <param name="Publication">Encoded once for each encoding, shared by all; owned by the message.</param>
    public sealed record Deliver(string Channel, HomeRef Home, EncodedPublication Publication) : INoSerializationVerificationNeeded
    {
        /// <summary>The client that is left out, by its id; empty for none.</summary>
        public string ExceptClient { get; init; } = "";
    }

    /// <summary>Home to every fan-out: the home was restarted and knows no subscriptions any more.</summary>
    /// <param name="Home">The home's number.</param>
    public sealed record Reset(int Home) : INoSerializationVerificationNeeded;

    /// <summary>Fan-out to home, at most once a turn: so many bytes of its publications have left for the sockets.</summary>
    /// <param name="Loop">The fan-out's loop.</param>
    /// <param name="Bytes">Of publications in all their forms.</param>
    public sealed record Sent(int Loop, int Bytes) : INoSerializationVerificationNeeded;

    /// <summary>For a session that may have ended by then: Akka logs no dead letter.</summary>
    public interface ISessionMessage : INoSerializationVerificationNeeded, IDeadLetterSuppression;
}

/// <summary>
/// A home on this node: its number, and where messages to it go. One object for its whole life, by which accounts are kept.
/// </summary>
/// <param name="number">Its number.</param>
/// <param name="actor">Its actor.</param>
public sealed class HomeRef(int number, IActorRef actor)
{
    /// <summary>Its number.</summary>
    public int Number { get; } = number;

    /// <summary>Its actor.</summary>
    public IActorRef Actor { get; } = actor;
}
