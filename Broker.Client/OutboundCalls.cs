using System.Text;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>The calls of the hub's methods on one connection: each is answered exactly once.</summary>
internal sealed class OutboundCalls(ConnectionState state, FrameSender sender, Uploads uploads, NativeLimits limits)
{
    private readonly CallTable<PendingCall> _pending = new(limits.CallsMax);
    private uint _last;

    /// <summary>When <see cref="Expire"/> has something to do.</summary>
    public TimeSpan? NextDeadline => _pending.NextDeadline;

    /// <summary>Called with each call that no caller waits for any more, though the hub may be saying its result.</summary>
    public Action<uint> Abandoned { get; set; } = static _ => { };

    /// <summary>The longest item that the hub accepts, in bytes.</summary>
    public int ItemBytesMax => sender.Limits.ThresholdBytes - NativeWriter.SizeOf(default(CallItem));

    /// <summary>Calls a method; without the lock.</summary>
    public async Task<ReadOnlyMemory<byte>> CallAsync(
        string method, ReadOnlyMemory<byte> arguments, CallSettings settings, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var call = new PendingCall(method, settings.Download);
        uint id;
        lock (state.Gate) id = Start(call, arguments, settings, CallOptions.None);
        using CancellationTokenRegistration registration = cancellationToken.Register(() => Abandon(id, call, cancellationToken));
        return await call.Answer.Task.ConfigureAwait(false);
    }

    /// <summary>Begins a call that has items; without the lock.</summary>
    /// <param name="method">The method.</param>
    /// <param name="arguments">Those that come first.</param>
    /// <param name="options">Whether further arguments follow.</param>
    /// <param name="settings">Deadline and progress.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    public OpenedCall Open(
        string method, ReadOnlyMemory<byte> arguments, CallOptions options, CallSettings settings, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var call = new PendingCall(method, settings.Download);
        uint id;
        lock (state.Gate)
        {
            id = Start(call, arguments, settings, options);
            call.Items = new OpenedCall(this, id, call, options != CallOptions.None, limits.WindowItems, state.Options.ItemsWindow);
        }

        CancellationTokenRegistration registration = cancellationToken.Register(() => Abandon(id, call, cancellationToken));

        // A failure reaches the enumeration, so the result need not be awaited as well.
        _ = call.Answer.Task.ContinueWith(
            answer =>
            {
                _ = answer.Exception;
                registration.Dispose();
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return call.Items;
    }

    /// <summary>Sends a further argument, once there is room for it; without the lock.</summary>
    /// <returns>False when the call is over; then nothing was sent.</returns>
    public ValueTask<bool> SendAsync(uint id, PendingCall call, ReadOnlySpan<byte> item, CancellationToken cancellationToken) =>
        sender.PostAsync(NativeWriter.Message(new CallItem { Id = id, Data = item }), () => IsPending(id, call), cancellationToken);

    /// <summary>A sender waits for the hub's credit, and so for everything queued before; without the lock.</summary>
    public void FlushSoon()
    {
        lock (state.Gate) sender.FlushSoon();
    }

    /// <summary>Ends the further arguments; without the lock.</summary>
    public void SendEnd(uint id, PendingCall call)
    {
        lock (state.Gate)
        {
            if (IsPending(id, call)) sender.PostControl(new CallItemsEnd { Id = id });
        }
    }

    /// <summary>Gives the hub credit for more results; without the lock.</summary>
    public void Grant(uint id, PendingCall call, int items)
    {
        lock (state.Gate)
        {
            if (!IsPending(id, call)) return;
            call.Items!.Expect(items);
            sender.PostControl(new Credit { Scope = CreditScope.Call, Id = id, Count = (uint)items });
        }
    }

    /// <summary>One of several results has come.</summary>
    public void OnItem(CallItem item)
    {
        if (!_pending.TryGet(item.Id, out PendingCall? call)) return;
        if (call.Items?.Add(item.Data.ToArray()) == true) return;
        _pending.TryTake(item.Id, out _);
        GiveUp(item.Id, call);
        call.Fail(new BrokerException(
            call.Items is null ? $"{call.Method} has several results: open it as a stream."
                : $"{call.Method}: the hub sends more than it may."));
    }

    /// <summary>The hub takes more arguments.</summary>
    public void OnCredit(Credit credit)
    {
        if (_pending.TryGet(credit.Id, out PendingCall? call)) call.Items?.OnCredit(credit.Count);
    }

    /// <summary>A call has come to a result.</summary>
    /// <param name="id">The call's number.</param>
    /// <param name="result">Owned by the caller from now on.</param>
    public void OnResult(uint id, ReadOnlyMemory<byte> result)
    {
        if (!_pending.TryTake(id, out PendingCall? call)) return;
        uploads.Cancel(call.Upload);
        call.Return(result);
        state.TimersChanged();
    }

    /// <summary>A call has failed.</summary>
    public void OnFault(CallFault fault)
    {
        if (!_pending.TryTake(fault.Id, out PendingCall? call)) return;
        uploads.Cancel(call.Upload);
        call.Fail(new CallFailedException(call.Method, fault.Code, Encoding.UTF8.GetString(fault.Text)));
        state.TimersChanged();
    }

    /// <summary>The result of a call came as a stream that could not be taken.</summary>
    /// <param name="id">The call's number.</param>
    /// <param name="why">Why.</param>
    /// <param name="text">That, with the numbers.</param>
    public void OnResultRefused(uint id, ChunkError why, string text)
    {
        if (!_pending.TryTake(id, out PendingCall? call)) return;
        uploads.Cancel(call.Upload);
        call.Fail(new CallFailedException(call.Method, why.ResultFault, $"the result could not be taken: {text}"));
        state.TimersChanged();
    }

    /// <summary>Whether a call waits for its answer.</summary>
    public bool IsPending(uint id) => _pending.TryGet(id, out _);

    /// <summary>The progress reports of a call's result.</summary>
    public IProgress<TransferProgress>? ProgressOf(uint id) => _pending.TryGet(id, out PendingCall? call) ? call.Download : null;

    /// <summary>No caller waits for the answer any more; without the lock.</summary>
    public void Abandon(uint id, PendingCall call, CancellationToken cancellationToken)
    {
        if (TryAbandon(id, call)) call.Cancel(cancellationToken);
    }

    /// <summary>The call can not go on; without the lock.</summary>
    public void Abandon(uint id, PendingCall call, Exception failure)
    {
        if (TryAbandon(id, call)) call.Fail(failure);
    }

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

    private uint Start(PendingCall call, ReadOnlyMemory<byte> arguments, in CallSettings settings, CallOptions options)
    {
        TimeSpan limit = LimitOf(settings);
        state.ThrowIfEnded();
        uint id = _last = CallIds.Next(_last);
        FaultCode refused = _pending.Add(id, limit < TimeSpan.MaxValue - state.Now ? state.Now + limit : TimeSpan.MaxValue, call);
        if (refused != FaultCode.None) throw new CallFailedException(call.Method, refused, "Too many calls are pending.");
        try
        {
            uint milliseconds = limit == TimeSpan.MaxValue ? 0 : (uint)Math.Clamp(limit.TotalMilliseconds, 1, uint.MaxValue);
            var message = new Call { Id = id, Method = MethodId.Of(call.Method), DeadlineMilliseconds = milliseconds, Options = options };

            // Messages behind a stream may take effect before it, and items without their call would be lost.
            if (options != CallOptions.None && NativeWriter.SizeOf(message) + (long)arguments.Length > sender.Limits.ThresholdBytes)
                throw new PayloadTooLargeException(
                    $"Arguments that others follow have to fit a frame: {sender.Limits.ThresholdBytes} bytes.");
            call.Upload = uploads.Post(message, arguments, settings.Upload, failure => Fail(id, failure));
        }
        catch (BrokerException)
        {
            _pending.TryTake(id, out _);
            throw;
        }

        state.TimersChanged();
        return id;
    }

    // No limit at all is the longest one.
    private static TimeSpan LimitOf(in CallSettings settings)
    {
        if (settings.Deadline is not { } limit || limit == Timeout.InfiniteTimeSpan) return TimeSpan.MaxValue;
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(limit, TimeSpan.Zero, nameof(settings));
        return limit;
    }

    private void Fail(uint id, Exception failure)
    {
        if (!_pending.TryTake(id, out PendingCall? call)) return;
        call.Fail(failure);
        state.TimersChanged();
    }

    private bool TryAbandon(uint id, PendingCall call)
    {
        lock (state.Gate)
        {
            if (!IsPending(id, call)) return false;
            _pending.TryTake(id, out _);
            GiveUp(id, call);
            return true;
        }
    }

    // The number may belong to a later call by now.
    private bool IsPending(uint id, PendingCall call) => _pending.TryGet(id, out PendingCall? pending) && ReferenceEquals(pending, call);

    // A call that is still being sent never began over there, so there is nothing to cancel but its stream.
    private void GiveUp(uint id, PendingCall call)
    {
        if (!uploads.Cancel(call.Upload)) sender.PostControl(new CallCancel { Id = id });
        Abandoned(id);
    }
}
