using Akka.Actor;
using Broker.Core.Protocol.Transfers;

namespace Broker.Actors.Routing;

/// <summary>Every message between sessions, the homes of channels (<see cref="RouterShardActor"/>) and the fan-out of each loop.</summary>
/// <remarks>
/// All that happens to a channel passes its home, and from there to each loop in one order: a member that was attached before
/// a publication gets it, and one that was attached after does not.
/// </remarks>
public static class RoutingProtocol
{
    /// <summary>Session to home: let this client listen.</summary>
    /// <param name="Membership">Passed on to the fan-out of its loop.</param>
    /// <param name="Id">Of the command.</param>
    /// <param name="Bytes">Of the command.</param>
    public sealed record Subscribe(Membership Membership, uint Id, int Bytes) : INoSerializationVerificationNeeded;

    /// <summary>Session to home: this client listens no longer. Said exactly once for each subscribe.</summary>
    /// <param name="Membership">As it was subscribed.</param>
    /// <param name="Id">Of the command; 0 if nobody waits for an answer.</param>
    /// <param name="Bytes">Of the command.</param>
    public sealed record Unsubscribe(Membership Membership, uint Id, int Bytes) : INoSerializationVerificationNeeded;

    /// <summary>Session to home: send this to all who listen.</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Data">Owned by the message.</param>
    /// <param name="Info">Who publishes, encoded; owned by the message.</param>
    /// <param name="Publisher">Is told <see cref="Sessions.SessionProtocol.Published"/>, or that it failed.</param>
    /// <param name="Id">Of the command.</param>
    /// <param name="Bytes">Of the command.</param>
    public sealed record Publish(string Channel, ReadOnlyMemory<byte> Data, ReadOnlyMemory<byte> Info, IActorRef Publisher, uint Id, int Bytes)
        : INoSerializationVerificationNeeded
    {
        /// <summary>Whether the data is one JSON value for sure; otherwise it may be any bytes.</summary>
        public bool IsJson { get; init; } = true;

        /// <summary>The data, where it is too long to be one piece; the message is one of its holders.</summary>
        public LongBytes? LongData { get; init; }
    }

    /// <summary>Home to fan-out: put this client into the channel's list, and tell it so.</summary>
    /// <param name="Membership">The client's place.</param>
    /// <param name="Shard">The home.</param>
    /// <param name="Place">Where the channel stands; the client's first publication is the next one.</param>
    /// <param name="Id">Of the command.</param>
    /// <param name="Bytes">Of the command.</param>
    public sealed record Attach(Membership Membership, int Shard, ChannelPlace Place, uint Id, int Bytes) : INoSerializationVerificationNeeded;

    /// <summary>Home to fan-out: take this client off the channel's list, and tell it so if it asked.</summary>
    /// <param name="Membership">The client's place.</param>
    /// <param name="Id">Of the command; 0 if nobody waits for an answer.</param>
    /// <param name="Bytes">Of the command.</param>
    public sealed record Detach(Membership Membership, uint Id, int Bytes) : INoSerializationVerificationNeeded;

    /// <summary>Home to fan-out: one publication for all of the channel's clients on that loop.</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Shard">The home.</param>
    /// <param name="Publication">Encoded once for each format, shared by all; owned by the message.</param>
    public sealed record Deliver(string Channel, int Shard, EncodedPublication Publication) : INoSerializationVerificationNeeded;

    /// <summary>Home to every fan-out: the home starts anew and knows no members any more.</summary>
    /// <param name="Shard">The home.</param>
    public sealed record Forget(int Shard) : INoSerializationVerificationNeeded;

    /// <summary>Fan-out to home, at most once a turn: so many bytes of its publications have left for the sockets.</summary>
    /// <param name="Loop">The fan-out's loop.</param>
    /// <param name="Bytes">Of publications in all their forms.</param>
    public sealed record Taken(int Loop, int Bytes) : INoSerializationVerificationNeeded;
}
