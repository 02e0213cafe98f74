using Akka.Actor;
using Akka.Event;
using Broker.Actors.Access;
using Broker.Actors.Channels.Api;
using Broker.Actors.Model;
using Broker.Actors.Rpc;
using Broker.Core.Protocol.Transfers;
using Broker.Core.Protocol.Messages;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using Broker.Core.Protocol.Calls;

namespace Broker.Actors.Sessions;

/// <summary>Messages that a <see cref="SessionActor"/> receives, beside those of <see cref="Channels.ChannelProtocol"/>.</summary>
public static class SessionProtocol
{
    /// <summary>Sessions to session, exactly once and first: its client. So all of them are created alike.</summary>
    public sealed record Bound(ISessionWriter Writer, UpgradeInfo? Upgrade = null) : INoSerializationVerificationNeeded;

    /// <summary>Dialect to session: the commands of one turn, in the client's order.</summary>
    public sealed record Commands(IReadOnlyList<ClientCommand> InOrder) : IMayBeLate;

    /// <summary>Connection to session, exactly once and last: the client is gone, or is being sent away.</summary>
    public sealed record Ended(Closure Closure) : INoSerializationVerificationNeeded;

    /// <summary>Access to session: an answer that did not come at once.</summary>
    /// <param name="Then">Goes on with it; on the session's thread.</param>
    internal sealed record AccessAnswered(Action Then) : IMayBeLate;

    /// <summary>Server to session: subscribe the client to a channel.</summary>
    /// <param name="Subscription">The channel, and what holds.</param>
    /// <param name="RecoverSince">What was published since is sent; null for nothing.</param>
    public sealed record SubscribeClient(ServerSubscription Subscription, StreamPosition? RecoverSince) : IMayBeLate;

    /// <summary>Server to session: end the client's subscription to a channel.</summary>
    public sealed record UnsubscribeClient(string Channel) : IMayBeLate;

    /// <summary>Server to session: disconnect the client.</summary>
    public sealed record DisconnectClient(DisconnectReason Reason) : IMayBeLate;

    /// <summary>Server to session: when the connection expires.</summary>
    public sealed record RefreshClient(ConnectionExpiry Expiry) : IMayBeLate;

    /// <summary>Call to session: its handler has returned, whoever still waits.</summary>
    /// <param name="Call">The call.</param>
    /// <param name="Code">Why it failed, or none.</param>
    /// <param name="Result">What it came to.</param>
    /// <param name="Text">With a code: for people.</param>
    public sealed record CallReturned(RunningCall Call, FaultCode Code, ReadOnlyMemory<byte> Result, string Text) : IMayBeLate;

    /// <summary>Call to session: its handler says one of several results.</summary>
    /// <param name="Call">The call.</param>
    /// <param name="Item">The result; not to be changed.</param>
    public sealed record CallSaid(RunningCall Call, ReadOnlyMemory<byte> Item) : IMayBeLate
    {
        /// <summary>What the result is copied from in the place of <see cref="Item"/>; the session disposes of it.</summary>
        public IChunkSource? Source { get; init; }

        /// <summary>Bytes of the result.</summary>
        internal int Bytes => Source is null ? Item.Length : (int)Source.Bytes;
    }

    /// <summary>Call to session: its handler has read further arguments.</summary>
    /// <param name="Call">The call.</param>
    /// <param name="Items">How many.</param>
    /// <param name="Bytes">Their bytes.</param>
    public sealed record CallTook(RunningCall Call, int Items, int Bytes) : IMayBeLate;

    /// <summary>Calls to session: their handlers have returned, one soon after the other.</summary>
    public sealed record CallsReturned(IReadOnlyList<CallReturned> InOrder) : IMayBeLate;

    /// <summary>Application to session: call a method of the client.</summary>
    /// <param name="Id">The hub's number for the answer.</param>
    /// <param name="Method">The number of its name.</param>
    /// <param name="Deadline">How long the application waits.</param>
    /// <param name="Arguments">Not to be changed.</param>
    /// <param name="Options">Whether further arguments follow.</param>
    public sealed record CallClient(uint Id, MethodId Method, TimeSpan Deadline, ReadOnlyMemory<byte> Arguments, CallOptions Options) : IMayBeLate;

    /// <summary>Application to session: a further argument of a call to the client, which has credit and room.</summary>
    /// <param name="Id">The hub's number.</param>
    /// <param name="Item">Not to be changed.</param>
    public sealed record SayToClient(uint Id, ReadOnlyMemory<byte> Item) : IMayBeLate;

    /// <summary>Application to session: the last argument of a call to the client has been said.</summary>
    public sealed record EndToClient(uint Id) : IMayBeLate;

    /// <summary>Application to session: results of a call to the client were read, and it may say as many more.</summary>
    public sealed record GrantClient(uint Id, int Items) : IMayBeLate;

    /// <summary>Application to session: nobody waits for the client's answer any more.</summary>
    public sealed record CancelClientCall(uint Id) : IMayBeLate;

    /// <summary>Said to a session that may have ended by then, which is nobody's mistake: Akka logs no dead letter.</summary>
    public interface IMayBeLate : INoSerializationVerificationNeeded, IDeadLetterSuppression;
}
