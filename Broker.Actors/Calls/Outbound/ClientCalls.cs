using Broker.Actors.Calls.Methods;
using System.Collections.Concurrent;
using Akka.Actor;
using Broker.Core.Protocol.Messages;

namespace Broker.Actors.Calls.Outbound;

/// <summary>Calls from the hub's application to methods of its clients. From any thread.</summary>
/// <remarks>
/// <para><b>Whom.</b> A client whose dialect has calls, by the id of its connection: its welcome tells it, <see cref="MethodCall.Caller"/>
/// has it, and every publication of a channel names it to JSON clients. A client that came back has another one.</para>
/// <para><b>What.</b> Bytes, as with <see cref="MethodRegistry"/>; what they mean is between the application and its clients. A client
/// may answer in any order. It may also lie: a result is as trustworthy as who sent it.</para>
/// <para><b>How it ends.</b> Exactly once: with the result; with a <see cref="ClientCallException"/> that says why not, at the
/// latest when the time is over; or cancelled. The client is notified of the last two, and may stop.</para>
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
    /// <param name="deadline">How long to wait; none, infinite, or more than <c>broker.calls.deadline-max</c>, is that setting.</param>
    /// <param name="cancellationToken">Waits no longer, and tells the client.</param>
    /// <returns>The result; the caller's to keep.</returns>
    /// <exception cref="ClientCallException">
    /// The client failed it or does not know it; it is not connected, or goes before it answers (<see cref="FaultCode.Closed"/>);
    /// the time is over; or too many calls wait for that client.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">The deadline is not over 0, nor infinite.</exception>
    public Task<ReadOnlyMemory<byte>> CallAsync(
        string client, string method, ReadOnlyMemory<byte> arguments, TimeSpan? deadline = null, CancellationToken cancellationToken =
            default)
    {
        ArgumentException.ThrowIfNullOrEmpty(client);
        ArgumentException.ThrowIfNullOrEmpty(method);
        TimeSpan limit = LimitOf(deadline);
        cancellationToken.ThrowIfCancellationRequested();
        return Find(client).CallAsync(method, arguments, limit, cancellationToken);
    }

    /// <summary>Begins a call with items: arguments that follow, results before the last one, or both.</summary>
    /// <param name="client">The id of its connection.</param>
    /// <param name="method">The method's name.</param>
    /// <param name="arguments">Those that come first, in a frame if others follow; not to be changed before the call has ended.</param>
    /// <param name="sendsItems">
    /// Whether further arguments follow: <see cref="OpenedClientCall.SendAsync"/>, and then <see cref="OpenedClientCall.EndArguments"/>.
    /// </param>
    /// <param name="deadline">
    /// How long the whole call may take; none, infinite, or more than <c>broker.calls.deadline-max</c>, is that setting.
    /// </param>
    /// <param name="cancellationToken">Cancels the call, and tells the client.</param>
    /// <exception cref="ClientCallException">It is not connected, too many calls wait for it, or it takes no further arguments.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The deadline is not over 0, nor infinite.</exception>
    public OpenedClientCall Open(
        string client, string method, ReadOnlyMemory<byte> arguments = default, bool sendsItems = false, TimeSpan? deadline =
            null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(client);
        ArgumentException.ThrowIfNullOrEmpty(method);
        TimeSpan limit = LimitOf(deadline);
        cancellationToken.ThrowIfCancellationRequested();
        return Find(client).Open(method, arguments, sendsItems ? CallOptions.MoreArguments : CallOptions.None, limit, cancellationToken);
    }

    internal CalledClient Add(string client, IActorRef session, ItemBounds items)
    {
        var called = new CalledClient(session, settings, items, time, () => _clients.TryRemove(client, out _));
        _clients[client] = called;
        return called;
    }

    private CalledClient Find(string client) =>
        _clients.GetValueOrDefault(client) ?? throw new ClientCallException(FaultCode.Closed, "there is no such client");

    private TimeSpan LimitOf(TimeSpan? deadline)
    {
        if (deadline is not { } wanted || wanted == Timeout.InfiniteTimeSpan) return settings.DeadlineMax;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(wanted, TimeSpan.Zero, nameof(deadline));
        return wanted < settings.DeadlineMax ? wanted : settings.DeadlineMax;
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
