using Broker.Actors.Sessions;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Home;

/// <summary>
/// What the home of a channel and the relays of the nodes tell each other. Values only: the other side may be another node, and each
/// message has its bytes in <see cref="ChannelHomeSerializer"/>. On one node they are passed by reference within one turn.
/// </summary>
public static class ChannelHomeProtocol
{
    /// <summary>Relay to home: this node has a subscriber of the channel, or a further one that wants to recover.</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Request">Repeated in the answer.</param>
    public readonly record struct Attach(string Channel, ulong Request)
    {
        /// <summary>What was published after this position is wanted; null for nothing of it.</summary>
        public StreamPosition? After { get; init; }

        /// <summary>The most publications wanted; 0 leaves it to the home.</summary>
        public int Limit { get; init; }
    }

    /// <summary>
    /// Home to relay, in the order of the channel's publications: from the next publication on the node is sent all of them.
    /// </summary>
    /// <param name="Request">Of the attach.</param>
    /// <param name="Position">The channel's newest position.</param>
    public readonly record struct Attached(ulong Request, StreamPosition Position)
    {
        /// <summary>Nothing is missing in <see cref="Missed"/>.</summary>
        public bool Recovered { get; init; }

        /// <summary>The channel keeps a history, so that positions mean something after a lost connection.</summary>
        public bool Recoverable { get; init; }

        /// <summary>What was published after the position asked for, oldest first; null for nothing.</summary>
        public IReadOnlyList<Publication>? Missed { get; init; }

        /// <summary>Why the node is not attached; null where it is.</summary>
        public HubError? Error { get; init; }
    }

    /// <summary>Relay to home: this node has no subscriber of the channel any more.</summary>
    /// <param name="Channel">The channel.</param>
    public readonly record struct Detach(string Channel);

    /// <summary>Relay to home: publish this.</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Request">Repeated in the answer.</param>
    /// <param name="Publication">Without an offset. Long data is held by the sender.</param>
    /// <param name="Options">How it is to be taken.</param>
    public readonly record struct Publish(string Channel, ulong Request, Publication Publication, PublishOptions Options);

    /// <summary>Home to the relay that published.</summary>
    /// <param name="Request">Of the publish.</param>
    /// <param name="Position">Its place; <c>default</c> where it takes none.</param>
    /// <param name="Receivers">Subscriptions that it goes to, as far as the home knows.</param>
    public readonly record struct Published(ulong Request, StreamPosition Position, int Receivers)
    {
        /// <summary>Why it was not published; null where it was.</summary>
        public HubError? Error { get; init; }

        /// <summary>Not published again: its idempotency key or its version was known.</summary>
        public bool Suppressed { get; init; }
    }

    /// <summary>Home to each attached relay: a publication of the channel.</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Position">Its place; where the publication took none, the newest one's before it.</param>
    /// <param name="Publication">Its offset is that of the position, or 0 where it took none. Long data is held by the sender.</param>
    /// <param name="ExceptClient">The client that is left out; empty for none.</param>
    public readonly record struct Deliver(string Channel, StreamPosition Position, Publication Publication, string ExceptClient)
    {
        /// <summary>It may be sent as a delta of the one before.</summary>
        public bool UsesDelta { get; init; }
    }
}
