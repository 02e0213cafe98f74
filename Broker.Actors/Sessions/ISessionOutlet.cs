using Broker.Actors.Routing;
using Broker.Actors.Rpc;
using Broker.Core.Centrifuge;
using Broker.Core.Framing;
using Broker.Core.Protocol.Transfers;
using Broker.Reactor.Loops;
using PayloadTag = Broker.Core.Protocol.Messages.PayloadTag;

namespace Broker.Actors.Sessions;

/// <summary>What a session says to its client; each dialect says it in its own words. Only for the loop's thread.</summary>
public interface ISessionOutlet
{
    /// <summary>Where publications go. They do not pass through the session.</summary>
    Connection Connection { get; }

    /// <summary>What publications are for this client; the same for its whole life.</summary>
    WireFormat Format { get; }

    /// <summary>How payloads to this client are compressed, if they become shorter by it; the same from connect on.</summary>
    PayloadTag Compression => PayloadTag.None;

    /// <summary>How many items of the hub's calls may be under way before the first credit, from connect on; none where the hub can not call it.</summary>
    CallWindows? WindowsOfHubCalls => null;

    /// <summary>What its calls say, and those of the hub.</summary>
    ICallOutlet Calls { get; }

    /// <summary>The client is in.</summary>
    void Connected(uint id, string client);

    /// <summary>The client listens. What was said so far leaves before any publication of the channel.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="place">Where the channel stands.</param>
    void Subscribed(uint id, string channel, ChannelPlace place);

    /// <summary>The client listens no longer.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="number">The channel's number, as far as it is known.</param>
    void Unsubscribed(uint id, uint number);

    /// <summary>The publication is on its way.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="receivers">Clients that it goes to.</param>
    /// <param name="offset">Its place in the channel; 0 where nobody listens.</param>
    void Published(uint id, int receivers, ulong offset);

    /// <summary>The command failed; the connection stays.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="index">Which command of its frame it was, from 0.</param>
    /// <param name="error">Why.</param>
    void Failed(uint id, int index, CentrifugeError error);

    /// <summary>The server ended a subscription.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="number">Its number.</param>
    /// <param name="why">Why.</param>
    void Evicted(string channel, uint number, Unsubscribed why);

    /// <summary>The connection ends, with everything said before it.</summary>
    void Disconnect(Disconnect why);

    /// <summary>The client has said that it goes: the connection ends, with everything said before it.</summary>
    void SeeOff() => Connection.SeeOff("bye");

    /// <summary>So many bytes of commands are no longer under way.</summary>
    void Done(int bytes);

    /// <summary>A publication that is too long to be one piece for all who listen. Only where <see cref="Format"/> is native.</summary>
    /// <param name="place">The publication's.</param>
    /// <param name="data">Held by the caller until the return; whoever needs it longer holds it too.</param>
    void DeliverLong(in ChannelPlace place, LongBytes data)
    {
    }
}
