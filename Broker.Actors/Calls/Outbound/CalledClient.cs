using Akka.Actor;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Actors.Calls.Outbound;

/// <summary>The calls to one client that have no answer yet: each ends exactly once, and none outlives the client.</summary>
/// <remarks>For any thread. Who takes a call out of the table, under its lock, is the one who ends it.</remarks>
internal sealed class CalledClient(IActorRef session, CallSettings settings, ItemBounds items, TimeProvider time, Action onClosed)
{
    private readonly Lock _gate = new();
    private readonly CallTable<WaitingCall> _waiting = new(settings.PendingMax);
    private ItemBudget? _unreadBudget;           // From the first item that is sent to the client on; most are sent none.
    private long _unread;                   // Bytes of results that wait for the application, of calls that are pending.
    private uint _last = uint.MaxValue;     // The first is the server's 0.
    private bool _closed;

    /// <summary>Where items count that were sent to the client, until it has taken them.</summary>
    internal ItemBudget UnreadBudget => LazyInitializer.EnsureInitialized(ref _unreadBudget, () => new ItemBudget(items.UnreadBytesMax));

    internal Task<ReadOnlyMemory<byte>> CallAsync(
        string method, ReadOnlyMemory<byte> arguments, TimeSpan deadline, CancellationToken cancellationToken)
    {
        var call = new WaitingCall();
        Start(call, method, arguments, CallOptions.None, deadline, cancellationToken);
        return call.Answer;
    }

    internal OpenedClientCall Open(
        string method, ReadOnlyMemory<byte> arguments, CallOptions options, TimeSpan deadline, CancellationToken cancellationToken)
    {
        if (options != CallOptions.None && items.Windows.Arguments == 0)
            throw new ClientCallException(FaultCode.BadArguments, "the client takes no further arguments");
        var call = new WaitingCall();
        call.Items = new OpenedClientCall(this, call, items.Windows, sendsItems: options != CallOptions.None);
        Start(call, method, arguments, options, deadline, cancellationToken);
        return call.Items;
    }

    private void Start(
        WaitingCall call, string method, ReadOnlyMemory<byte> arguments, CallOptions options, TimeSpan deadline,
            CancellationToken cancellationToken)
    {
        // What can fail is first: a call that is in the table has its timer.
        ITimer timer =
            time.CreateTimer(
                _ => GiveUp(call, new ClientCallException(FaultCode.Deadline, "the time is over")), null, Timeout.InfiniteTimeSpan,
                    Timeout.InfiniteTimeSpan);
        try
        {
            Register(call);
        }
        catch
        {
            timer.Dispose();
            throw;
        }

        // In this order: a session that is notified of a cancel has been notified of the call.
        session.Tell(new OutboundCallProtocol.CallClient(call.Id, MethodId.Of(method), deadline, arguments, options), ActorRefs.NoSender);
        timer.Change(deadline, Timeout.InfiniteTimeSpan);
        call.Watch(timer, cancellationToken.UnsafeRegister(_ => GiveUp(call, new OperationCanceledException(cancellationToken)), null));
    }

    private void Register(WaitingCall call)
    {
        lock (_gate)
        {
            if (_closed) throw new ClientCallException(FaultCode.Closed, "the client is gone");
            call.Id = _last = CallIds.Next(_last);
            FaultCode refused = _waiting.Add(call.Id, TimeSpan.MaxValue, call);
            if (refused != FaultCode.None) throw new ClientCallException(refused, "too many calls wait for the client");
        }
    }

    /// <summary>
    /// Sends a further argument, for which there is credit and room; what was sent for a call that is over goes no further.
    /// </summary>
    internal void Send(WaitingCall call, ReadOnlyMemory<byte> item) =>
        session.Tell(new OutboundCallProtocol.SendItemToClient(call.Id, item), ActorRefs.NoSender);

    /// <summary>Says that no more arguments follow.</summary>
    internal void SendEnd(WaitingCall call) => session.Tell(new OutboundCallProtocol.EndItemsToClient(call.Id), ActorRefs.NoSender);

    /// <summary>The application has read results, so the client may send as many more.</summary>
    internal void Grant(WaitingCall call, int results, int bytes)
    {
        lock (_gate)
        {
            if (!IsWaiting(call)) return;
            call.Items!.Expect(results);
            call.UnreadBytes -= bytes;
            _unread -= bytes;
        }

        session.Tell(new OutboundCallProtocol.GrantClientItems(call.Id, results), ActorRefs.NoSender);
    }

    /// <summary>Whether a call has no answer yet; for the session.</summary>
    internal bool IsWaiting(uint id)
    {
        lock (_gate) return _waiting.TryGet(id, out _);
    }

    /// <summary>The client has answered, or the call could not be sent. Ignored if the call is over.</summary>
    internal void Answer(uint id, FaultCode code, ReadOnlyMemory<byte> result, string text)
    {
        WaitingCall? call;
        lock (_gate)
        {
            if (!_waiting.TryTake(id, out call)) return;
            _unread -= call.UnreadBytes;
        }

        if (code == FaultCode.None) call.Return(result);
        else call.Fail(new ClientCallException(code, text));
    }

    /// <summary>The client sends one of several results. Ignored if the call is over.</summary>
    internal void OnItem(uint id, ReadOnlyMemory<byte> item)
    {
        WaitingCall? call;
        ClientCallException? broken;
        lock (_gate)
        {
            if (!_waiting.TryGet(id, out call)) return;
            broken = call.Items switch
            {
                null => new ClientCallException(FaultCode.Failed, "it has several results, and was called for one"),
                _ when _unread + item.Length > settings.BytesMax =>
                    new ClientCallException(
                        FaultCode.Overloaded,
                            $"results of {_unread} bytes wait to be read, and {item.Length} more would be over {settings.BytesMax}"),
                { } items when !items.TryAdd(item) => new ClientCallException(FaultCode.Failed, "the client sent too many results"),
                _ => null,
            };
            if (broken is null)
            {
                call.UnreadBytes += item.Length;
                _unread += item.Length;
            }
        }

        if (broken is not null) GiveUp(call, broken);
    }

    /// <summary>The client takes more arguments. Ignored if the call is over.</summary>
    internal void OnGranted(uint id, int items)
    {
        WaitingCall? call;
        lock (_gate)
        {
            if (!_waiting.TryGet(id, out call)) return;
        }

        call.Items?.OnGranted(items);
    }

    /// <summary>A further argument could not be sent: it is longer than what the client takes.</summary>
    internal void OnTooLong(uint id, int bytes)
    {
        WaitingCall? call;
        lock (_gate)
        {
            if (!_waiting.TryGet(id, out call)) return;
        }

        GiveUp(call, new ClientCallException(FaultCode.BadArguments, $"an item of {bytes} bytes passes the longest payload of the client"));
    }

    /// <summary>The client is gone: whatever waits has failed.</summary>
    internal void Close()
    {
        onClosed();
        var calls = new List<WaitingCall>();
        lock (_gate)
        {
            _closed = true;
            while (_waiting.TryTakeFirst(out _, out WaitingCall? call)) calls.Add(call);
        }

        foreach (WaitingCall call in calls) call.Fail(new ClientCallException(FaultCode.Closed, "the client is gone"));
    }

    /// <summary>No caller waits for the answer any more, and the client is told. Ignored if the call is over.</summary>
    internal void GiveUp(WaitingCall call, Exception why)
    {
        lock (_gate)
        {
            if (!IsWaiting(call)) return;
            _waiting.TryTake(call.Id, out _);
            _unread -= call.UnreadBytes;
        }

        session.Tell(new OutboundCallProtocol.CancelClientCall(call.Id), ActorRefs.NoSender);
        call.Fail(why);
    }

    // The number may belong to a later call by now.
    private bool IsWaiting(WaitingCall call) => _waiting.TryGet(call.Id, out WaitingCall? waiting) && ReferenceEquals(waiting, call);
}
