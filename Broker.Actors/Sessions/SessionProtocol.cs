using Broker.Actors.Runtime;
using Broker.Actors.Calls.Inbound;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Channels.Delivery;
using Akka.Actor;
using Akka.Event;
using Broker.Actors.Access;
using Broker.Actors.Model;
using Broker.Core.Protocol.Transfers;
using Broker.Core.Protocol.Messages;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using Broker.Core.Protocol.Calls;

namespace Broker.Actors.Sessions;

/// <summary>Messages that a <see cref="SessionActor"/> receives, beside those of <see cref="Channels.Delivery.ChannelProtocol"/>.</summary>
public static class SessionProtocol
{
    /// <summary>Sessions to session, exactly once and first: its client. So all of them are created alike.</summary>
    public sealed record Bound(ISessionWriter Writer, UpgradeInfo? Upgrade = null) : INoSerializationVerificationNeeded;

    /// <summary>Dialect to session: the commands of one turn, in the client's order.</summary>
    public sealed record Commands(IReadOnlyList<ClientCommand> InOrder) : IMayArriveLate;

    /// <summary>Connection to session, exactly once and last: the client is gone, or is being disconnected.</summary>
    public sealed record Ended(Closure Closure) : INoSerializationVerificationNeeded;

    /// <summary>Access to session: an answer that did not come at once.</summary>
    /// <param name="Then">Goes on with it; on the session's thread.</param>
    internal sealed record AccessAnswered(Action Then) : IMayArriveLate;

    /// <summary>Server to session: subscribe the client to a channel.</summary>
    /// <param name="Subscription">The channel, and what holds.</param>
    /// <param name="RecoverSince">What was published since is sent; null for nothing.</param>
    public sealed record SubscribeClient(ServerSubscription Subscription, StreamPosition? RecoverSince) : IMayArriveLate;

    /// <summary>Server to session: end the client's subscription to a channel.</summary>
    public sealed record UnsubscribeClient(string Channel) : IMayArriveLate;

    /// <summary>Server to session: disconnect the client.</summary>
    public sealed record DisconnectClient(DisconnectReason Reason) : IMayArriveLate;

    /// <summary>Server to session: when the connection expires.</summary>
    public sealed record RefreshClient(ConnectionExpiry Expiry) : IMayArriveLate;
}
