using Broker.Actors.Routing;
using Broker.Actors.Rpc;
using Broker.Core.Centrifuge;
using Broker.Core.Chunks;
using Broker.Core.Reactor;
using Broker.Core.Rpc;
using PayloadTag = Broker.Core.Native.PayloadTag;

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

    /// <summary>Whether the hub can call this client.</summary>
    bool TakesCalls => false;

    /// <summary>How many items of the hub's calls may be under way before the first credit; known from connect on.</summary>
    CallWindows ItemWindows => default;

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

    /// <summary>A call came to a result.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="result">Owned by the result, not to be changed.</param>
    void Returned(uint id, ReadOnlyMemory<byte> result);

    /// <summary>A call was answered at once.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="result">Borrowed.</param>
    void Answered(uint id, ReadOnlySpan<byte> result) => Returned(id, result.ToArray());

    /// <summary>A call came to a result that is somewhere already.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="result">Disposed of here, at once or when it has been sent.</param>
    void Returned(uint id, IChunkSource result)
    {
        ArgumentNullException.ThrowIfNull(result);
        using (result) Returned(id, result.ToArray());
    }

    /// <summary>A call failed.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="code">Why.</param>
    /// <param name="text">For people.</param>
    void Faulted(uint id, FaultCode code, string text);

    /// <summary>A call has one of several results, or the hub's call one more argument.</summary>
    /// <param name="id">Of the call.</param>
    /// <param name="item">Not to be changed.</param>
    /// <returns>False when the client takes nothing as long as that.</returns>
    bool Said(uint id, ReadOnlyMemory<byte> item) => false;

    /// <summary>A call has one of several results, which is written straight into its frame.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="item">Borrowed.</param>
    /// <returns>False when the client takes nothing as long as that.</returns>
    bool Said(uint id, IChunkSource item) => false;

    /// <summary>Asks to be told when little waits for the client any more.</summary>
    /// <param name="then">Told once, now or in a later turn; not at all if the client goes before.</param>
    void OnceTaken(Action then)
    {
        ArgumentNullException.ThrowIfNull(then);
        then();
    }

    /// <summary>The client may say more arguments of a call, or more results of the hub's.</summary>
    /// <param name="id">Of the call.</param>
    /// <param name="items">So many more than before.</param>
    void Granted(uint id, int items)
    {
    }

    /// <summary>The server ended a subscription.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="number">Its number.</param>
    /// <param name="why">Why.</param>
    void Evicted(string channel, uint number, Unsubscribed why);

    /// <summary>The connection ends, with everything said before it.</summary>
    void Disconnect(Disconnect why);

    /// <summary>So many bytes of commands are no longer under way.</summary>
    void Done(int bytes);

    /// <summary>A publication that is too long to be one piece for all who listen. Only where <see cref="Format"/> is native.</summary>
    /// <param name="place">The publication's.</param>
    /// <param name="data">Held by the caller until the return; whoever needs it longer holds it too.</param>
    void DeliverLong(in ChannelPlace place, LongBytes data)
    {
    }

    /// <summary>The hub calls a method of the client. Only where it <see cref="TakesCalls"/>.</summary>
    /// <param name="id">The hub's number for the answer.</param>
    /// <param name="method">The number of its name.</param>
    /// <param name="deadline">How long the hub waits.</param>
    /// <param name="arguments">Not to be changed.</param>
    /// <param name="options">Whether further arguments follow; then these fit a frame.</param>
    /// <returns>None, or why it could not be sent.</returns>
    FaultCode Call(uint id, MethodId method, TimeSpan deadline, ReadOnlyMemory<byte> arguments, CallOptions options) => FaultCode.UnknownMethod;

    /// <summary>The last argument of the hub's call has been said.</summary>
    void SaidAll(uint id)
    {
    }

    /// <summary>The hub waits for the answer no longer.</summary>
    void CancelCall(uint id)
    {
    }
}
