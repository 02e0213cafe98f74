using System.Text;
using Broker.Core.Native;
using Broker.Core.Rpc;

namespace Broker.Client;

/// <summary>The calls of the hub's methods on one connection: each is answered exactly once.</summary>
internal sealed class OutgoingCalls(ConnectionState state, FrameSender sender, Uploads uploads, int callsMax)
{
    private readonly CallTable<PendingCall> _pending = new(callsMax);
    private uint _last;

    /// <summary>When <see cref="Expire"/> has something to do.</summary>
    public TimeSpan? NextDeadline => _pending.NextDeadline;

    /// <summary>Calls a method; without the lock.</summary>
    public async Task<ReadOnlyMemory<byte>> CallAsync(string method, ReadOnlyMemory<byte> arguments, CallSettings settings, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var call = new PendingCall(method, settings.Download);
        uint id;
        lock (state.Gate) id = Start(call, arguments, settings);
        using CancellationTokenRegistration registration = cancel.Register(() => Abandon(id, call, cancel));
        return await call.Answer.Task.ConfigureAwait(false);
    }

    /// <summary>A call has come to a result.</summary>
    public void OnResult(CallResult result)
    {
        if (!_pending.TryTake(result.Id, out PendingCall? call)) return;
        uploads.Cancel(call.Upload);
        call.Answer.TrySetResult(call.Streamed ?? result.Data.ToArray());
        state.DeadlinesChanged();
    }

    /// <summary>A result has come as a stream.</summary>
    public void OnStreamed(uint id, byte[] result)
    {
        if (_pending.TryGet(id, out PendingCall? call)) call.Streamed = result;
    }

    /// <summary>A call has failed.</summary>
    public void OnFault(CallFault fault)
    {
        if (!_pending.TryTake(fault.Id, out PendingCall? call)) return;
        uploads.Cancel(call.Upload);
        call.Fail(new CallFailedException(call.Method, fault.Code, Encoding.UTF8.GetString(fault.Text)));
        state.DeadlinesChanged();
    }

    /// <summary>Who hears how far the result of a call has come.</summary>
    public IProgress<TransferProgress>? ProgressOf(uint id) => _pending.TryGet(id, out PendingCall? call) ? call.Download : null;

    /// <summary>Fails the calls whose time is over.</summary>
    public void Expire()
    {
        while (_pending.TryExpire(state.Now, out uint id, out PendingCall? call))
        {
            GiveUp(id, call);
            call.Fail(new CallFailedException(call.Method, FaultCode.Deadline, "The time for it is over."));
        }
    }

    /// <summary>The connection is gone: what waited, to be failed without the lock.</summary>
    public IReadOnlyList<PendingRequest> TakeAll()
    {
        var all = new List<PendingRequest>();
        while (_pending.TryTakeFirst(out _, out PendingCall? call)) all.Add(call);
        return all;
    }

    private uint Start(PendingCall call, ReadOnlyMemory<byte> arguments, in CallSettings settings)
    {
        state.ThrowIfEnded();
        uint id = _last = CallIds.Next(_last);
        FaultCode refused = _pending.Add(id, settings.Deadline is { } limit ? state.Now + limit : TimeSpan.MaxValue, call);
        if (refused != FaultCode.None) throw new CallFailedException(call.Method, refused, "Too many calls are pending.");
        try
        {
            uint milliseconds = settings.Deadline is { } span ? (uint)Math.Clamp(span.TotalMilliseconds, 1, uint.MaxValue) : 0;
            var message = new Call { Id = id, Method = MethodId.Of(call.Method), DeadlineMilliseconds = milliseconds };
            call.Upload = uploads.Post(message, arguments, settings.Upload, failure => Fail(id, failure));
        }
        catch (BrokerException)
        {
            _pending.TryTake(id, out _);
            throw;
        }

        state.DeadlinesChanged();
        return id;
    }

    private void Fail(uint id, Exception failure)
    {
        if (!_pending.TryTake(id, out PendingCall? call)) return;
        call.Fail(failure);
        state.DeadlinesChanged();
    }

    private void Abandon(uint id, PendingCall call, CancellationToken cancel)
    {
        lock (state.Gate)
        {
            if (!_pending.TryTake(id, out _)) return;
            GiveUp(id, call);
        }

        call.Answer.TrySetCanceled(cancel);
    }

    // A call that is still being sent never began over there, so there is nothing to cancel but its stream.
    private void GiveUp(uint id, PendingCall call)
    {
        if (!uploads.Cancel(call.Upload)) sender.TryPost(new CallCancel { Id = id });
    }
}
