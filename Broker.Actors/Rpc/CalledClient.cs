using Akka.Actor;
using Broker.Actors.Sessions;
using Broker.Core.Rpc;

namespace Broker.Actors.Rpc;

/// <summary>The calls to one client that have no answer yet: each ends exactly once, and none outlives the client.</summary>
/// <remarks>For any thread. Who takes a call out of the table, under its lock, is the one who ends it.</remarks>
internal sealed class CalledClient(IActorRef session, int callsMax, TimeProvider time, Action onClosed)
{
    private readonly Lock _gate = new();
    private readonly CallTable<WaitingCall> _waiting = new(callsMax);
    private uint _last = uint.MaxValue;     // The first is the server's 0.
    private bool _closed;

    internal Task<ReadOnlyMemory<byte>> CallAsync(string method, ReadOnlyMemory<byte> arguments, TimeSpan deadline, CancellationToken cancel)
    {
        var call = new WaitingCall();
        uint id;
        lock (_gate)
        {
            if (_closed) throw new ClientCallException(FaultCode.Closed, "the client is gone");
            id = _last = CallIds.Next(_last);
            FaultCode refused = _waiting.Add(id, TimeSpan.MaxValue, call);
            if (refused != FaultCode.None) throw new ClientCallException(refused, "too many calls wait for the client");
        }

        // In this order: a session that is told of a cancel has been told of the call.
        session.Tell(new SessionProtocol.CallClient(id, MethodId.Of(method), deadline, arguments), ActorRefs.NoSender);
        call.Watch(
            time.CreateTimer(_ => GiveUp(id, call, new ClientCallException(FaultCode.Deadline, "the time is over")), null, deadline, Timeout.InfiniteTimeSpan),
            cancel.UnsafeRegister(_ => GiveUp(id, call, new OperationCanceledException(cancel)), null));
        return call.Answer;
    }

    /// <summary>The client has answered, or the call could not be sent. Ignored if the call is over.</summary>
    internal void Answer(uint id, FaultCode code, ReadOnlyMemory<byte> result, string text)
    {
        WaitingCall? call;
        lock (_gate)
        {
            if (!_waiting.TryTake(id, out call)) return;
        }

        if (code == FaultCode.None) call.Return(result);
        else call.Fail(new ClientCallException(code, text));
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

    private void GiveUp(uint id, WaitingCall call, Exception why)
    {
        lock (_gate)
        {
            // The number may belong to a later call by now.
            if (!_waiting.TryGet(id, out WaitingCall? waiting) || !ReferenceEquals(waiting, call)) return;
            _waiting.TryTake(id, out _);
        }

        session.Tell(new SessionProtocol.CancelClientCall(id), ActorRefs.NoSender);
        call.Fail(why);
    }

    private sealed class WaitingCall
    {
        private readonly TaskCompletionSource<ReadOnlyMemory<byte>> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);

        internal Task<ReadOnlyMemory<byte>> Answer => _answer.Task;

        /// <summary>What may end it early, and goes when it has ended, however that is.</summary>
        internal void Watch(ITimer timer, CancellationTokenRegistration cancel) => _ = _answer.Task.ContinueWith(
            _ =>
            {
                timer.Dispose();
                cancel.Dispose();
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);

        internal void Return(ReadOnlyMemory<byte> result) => _answer.TrySetResult(result);

        internal void Fail(Exception why)
        {
            if (why is OperationCanceledException cancelled) _answer.TrySetCanceled(cancelled.CancellationToken);
            else _answer.TrySetException(why);
        }
    }
}
