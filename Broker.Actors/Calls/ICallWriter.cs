using System.Net;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;

namespace Broker.Actors.Calls;

/// <summary>What the calls of a session say to its client; each dialect says it in its own words. Only for the loop's thread.</summary>
public interface ICallWriter
{
    /// <summary>The client's address, or null where it has none.</summary>
    EndPoint? Remote => null;

    /// <summary>Whether the connection ends as soon as what was asked is answered: no call begins any more.</summary>
    bool IsSettling => false;

    /// <summary>A call has begun, whose answer the connection owes.</summary>
    void Owe()
    {
    }

    /// <summary>A call that had begun has its answer.</summary>
    void Settle()
    {
    }

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

    /// <summary>The caller no longer wants what a call has come to: where that is under way, it ends, and the call is cancelled.</summary>
    /// <param name="id">Of the command.</param>
    void OnCancelled(uint id)
    {
    }

    /// <summary>A call has one of several results, or the hub's call one more argument.</summary>
    /// <param name="id">Of the call.</param>
    /// <param name="item">Not to be changed.</param>
    /// <returns>False when the client takes nothing as long as that.</returns>
    bool Sent(uint id, ReadOnlyMemory<byte> item) => false;

    /// <summary>A call has one of several results, which is written straight into its frame.</summary>
    /// <param name="id">Of the command.</param>
    /// <param name="item">Borrowed.</param>
    /// <returns>False when the client takes nothing as long as that.</returns>
    bool Sent(uint id, IChunkSource item) => false;

    /// <summary>Asks to be notified when little waits for the client any more.</summary>
    /// <param name="then">Told once, now or in a later turn; not at all if the client goes before.</param>
    void OnceRead(Action then)
    {
        ArgumentNullException.ThrowIfNull(then);
        then();
    }

    /// <summary>The client may send more arguments of a call, or more results of the hub's.</summary>
    /// <param name="id">Of the call.</param>
    /// <param name="items">So many more than before.</param>
    void Granted(uint id, int items)
    {
    }

    /// <summary>
    /// The hub calls a method of the client. Only where a session's writer has <see cref="Sessions.ISessionWriter.WindowsOfHubCalls"/>.
    /// </summary>
    /// <param name="id">The hub's number for the answer.</param>
    /// <param name="method">The number of its name.</param>
    /// <param name="deadline">How long the hub waits.</param>
    /// <param name="arguments">Not to be changed.</param>
    /// <param name="options">Whether further arguments follow; then these fit a frame.</param>
    /// <returns>None, or why it could not be sent.</returns>
    FaultCode Call(uint id, MethodId method, TimeSpan deadline, ReadOnlyMemory<byte> arguments, CallOptions options) =>
        FaultCode.UnknownMethod;

    /// <summary>The last argument of the hub's call has been sent.</summary>
    void EndItems(uint id)
    {
    }

    /// <summary>The hub waits for the answer no longer.</summary>
    void Cancelled(uint id)
    {
    }
}
