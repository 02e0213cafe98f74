using Broker.Actors.Channels.SlowConsumers;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Actors.Channels.Delivery;

/// <summary>A client as channels see it. Only for the thread of its loop.</summary>
public interface ISubscriber
{
    /// <summary>Where publications go. They do not pass through the session.</summary>
    Connection Connection { get; }

    /// <summary>What publications are for this client; the same for its whole life.</summary>
    PublicationFormat Format { get; }

    /// <summary>
    /// Which variant of its format's frames the client takes, in the format's own numbers; 0 for the plain one. The same from connect on.
    /// </summary>
    int FrameVariant => 0;

    /// <summary>The id of the client; empty before it has connected.</summary>
    string Client => "";

    /// <summary>The client is subscribed. What was written so far leaves before any publication of the channel.</summary>
    /// <param name="id">Of the command; 0 if the client did not ask.</param>
    /// <param name="subscription">The subscription.</param>
    /// <param name="result">Where the channel stands, and what was missed.</param>
    void Subscribed(uint id, Subscription subscription, in SubscribeResult result);

    /// <summary>The client is no longer subscribed, as it asked.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="number">The channel's number, as far as it is known.</param>
    void Unsubscribed(uint id, uint number);

    /// <summary>The client was too slow for some publications of a channel, and does not get them.</summary>
    /// <param name="subscription">The subscription.</param>
    /// <param name="gaps">Which.</param>
    void Missed(Subscription subscription, IReadOnlyList<Gap> gaps)
    {
    }

    /// <summary>So many bytes of commands are no longer pending.</summary>
    void Done(int bytes);
}
