using Akka.Actor;
using Akka.Event;
using Broker.Actors.Routing;
using Broker.Actors.Rpc;
using Broker.Core.Centrifuge;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Broker.Reactor.Loops;

namespace Broker.Actors.Sessions;

/// <summary>Every message that a <see cref="SessionActor"/> hears, and from whom.</summary>
public static class SessionProtocol
{
    /// <summary>Sessions to session, exactly once and first: whom it speaks to. So all of them are made alike.</summary>
    public sealed record Bound(ISessionOutlet Outlet) : INoSerializationVerificationNeeded;

    /// <summary>Dialect to session: the commands of one turn, in the client's order.</summary>
    public sealed record Commands(IReadOnlyList<ClientCommand> InOrder) : IMayBeLate;

    /// <summary>Connection to session, exactly once and last: the client is gone, or is being sent away.</summary>
    public sealed record Ended(Closure Closure) : INoSerializationVerificationNeeded;

    /// <summary>Channel's home to session: a publication has its place in the channel, and is on its way.</summary>
    /// <param name="Id">Of the command.</param>
    /// <param name="Bytes">Of the command, no longer under way.</param>
    /// <param name="Receivers">Clients that it goes to.</param>
    /// <param name="Offset">Its place in the channel; 0 where nobody listens.</param>
    public sealed record Published(uint Id, int Bytes, int Receivers, ulong Offset) : IMayBeLate;

    /// <summary>Channel's home to session: a command failed there.</summary>
    /// <param name="Id">Of the command.</param>
    /// <param name="Bytes">Of the command, no longer under way.</param>
    /// <param name="Error">Why.</param>
    /// <param name="Membership">The membership that did not come to be, if the command was to subscribe.</param>
    public sealed record Failed(uint Id, int Bytes, CentrifugeError Error, Membership? Membership) : IMayBeLate;

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

    /// <summary>Fan-out to session: the channel's home, or the fan-out itself, lost what it knew, and so this membership.</summary>
    public sealed record Evicted(Membership Membership) : IMayBeLate;

    /// <summary>Said to a session that may have ended by then, which is nobody's mistake: Akka logs no dead letter.</summary>
    public interface IMayBeLate : INoSerializationVerificationNeeded, IDeadLetterSuppression;
}
