using System.Collections.Concurrent;
using Akka.Actor;
using Broker.Core.Rpc;

namespace Broker.Actors.Rpc;

/// <summary>Calls from the hub's application to methods of its clients. From any thread.</summary>
/// <remarks>
/// <para><b>Whom.</b> A client of the native protocol by the id of its connection: its welcome tells it, <see cref="MethodCall.Caller"/>
/// has it, and every publication of a channel names it to JSON clients. A client that came back has another one.</para>
/// <para><b>What.</b> Bytes, as with <see cref="Methods"/>; what they mean is between the application and its clients. A client
/// may answer in any order. It may also lie: a result is as trustworthy as who sent it.</para>
/// <para><b>How it ends.</b> Exactly once: with the result; with a <see cref="ClientCallException"/> that says why not, at the
/// latest when the time is over; or cancelled. The client is told of the last two, and may stop.</para>
/// </remarks>
/// <param name="settings">Bounds of the calls to one client: the same as of its own.</param>
/// <param name="time">The clock of deadlines.</param>
public sealed class ClientCalls(CallSettings settings, TimeProvider time)
{
    private readonly ConcurrentDictionary<string, CalledClient> _clients = new(StringComparer.Ordinal);

    /// <summary>Calls a method of a client.</summary>
    /// <param name="client">The id of its connection.</param>
    /// <param name="method">The method's name.</param>
    /// <param name="arguments">Not to be changed before the call has ended. What is too long for a frame goes in chunks.</param>
    /// <param name="deadline">How long to wait; none, or more than <c>broker.calls.deadline-max</c>, is that setting.</param>
    /// <param name="cancel">Waits no longer, and tells the client.</param>
    /// <returns>The result; the caller's to keep.</returns>
    /// <exception cref="ClientCallException">
    /// The client failed it or does not know it; it is not connected, or goes before it answers (<see cref="FaultCode.Closed"/>);
    /// the time is over; or too many calls wait for that client.
    /// </exception>
    public Task<ReadOnlyMemory<byte>> CallAsync(
        string client, string method, ReadOnlyMemory<byte> arguments, TimeSpan? deadline = null, CancellationToken cancel = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(client);
        ArgumentException.ThrowIfNullOrEmpty(method);
        cancel.ThrowIfCancellationRequested();
        TimeSpan limit = deadline is { } wanted && wanted < settings.DeadlineMax ? wanted : settings.DeadlineMax;
        return _clients.TryGetValue(client, out CalledClient? called)
            ? called.CallAsync(method, arguments, limit, cancel)
            : throw new ClientCallException(FaultCode.Closed, "there is no such client");
    }

    internal CalledClient Add(string client, IActorRef session)
    {
        var called = new CalledClient(session, settings.PendingMax, time, () => _clients.TryRemove(client, out _));
        _clients[client] = called;
        return called;
    }
}

/// <summary>A call to a client failed, and only the call.</summary>
public sealed class ClientCallException(FaultCode code, string text) : Exception($"{code}{(text.Length == 0 ? "" : $": {text}")}")
{
    /// <summary>Why.</summary>
    public FaultCode Code => code;

    /// <summary>In the words of the side that ran it.</summary>
    public string Text => text;
}
