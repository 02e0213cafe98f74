using System.Text;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>The calls of the hub on one connection: each is answered exactly once.</summary>
internal sealed class InboundCalls(ConnectionState state, FrameSender sender, Uploads uploads, NativeLimits limits)
{
    private const int CallsMax = 1024;
    private const int FaultTextBytesMax = 4096;
    private const uint TimerMillisecondsMax = uint.MaxValue - 1;       // Of any timer: 49.7 days.

    private readonly Dictionary<uint, InboundCall> _running = [];
    private readonly Queue<uint> _streams = new();      // Of long results; the hub may refuse one when all of it has been sent.
    private long _itemBytes;                            // Further arguments that wait for their methods.

    /// <summary>The longest item that the hub accepts, in bytes.</summary>
    private int ItemBytesMax => sender.Limits.ThresholdBytes - NativeWriter.SizeOf(default(CallItem));

    /// <summary>The hub calls.</summary>
    public void Start(in Call call)
    {
        if (!CallIds.IsServers(call.Id) || _running.ContainsKey(call.Id)) SendFault(call.Id, FaultCode.BadId, "");
        else if (!state.Options.Methods.TryGet(call.Method, out string name, out ClientItemsMethod method))
            SendFault(call.Id, FaultCode.UnknownMethod, "unknown method");
        else if (_running.Count >= CallsMax) SendFault(call.Id, FaultCode.Overloaded, "too many calls are pending");
        else
        {
            InboundCall answered = Add(call);
            var asSeen = new HubCall(answered, name, call.Arguments.ToArray(), ItemBytesMax, SendAsync);
            _ = Task.Run(() => RunAsync(answered, method, asSeen));
        }
    }

    private InboundCall Add(in Call call)
    {
        TimeSpan limit = call.DeadlineMilliseconds == 0
            ? Timeout.InfiniteTimeSpan
            : TimeSpan.FromMilliseconds(Math.Min(call.DeadlineMilliseconds, TimerMillisecondsMax));
        bool hasItems = (call.Options & CallOptions.MoreArguments) != 0;
        InboundCall answered = null!;
        answered = new InboundCall(call.Id, limit, state.Options.Time, limits.WindowItems)
        {
            Items = hasItems ? new UnreadItems(state.Options.ItemsWindow, (items, bytes) => Grant(answered, items, bytes)) : null,
        };
        _running.Add(call.Id, answered);
        return answered;
    }

    /// <summary>The hub waits no longer.</summary>
    public void Cancel(uint id) => Break(id, FaultCode.Cancelled, "cancelled");

    /// <summary>A further argument has arrived; ignored if the call is over.</summary>
    public void OnItem(CallItem item)
    {
        if (!_running.TryGetValue(item.Id, out InboundCall? call)) return;
        int bytes = item.Data.Length;
        if (_itemBytes + bytes > state.Options.DownloadBytesMax)
            Break(item.Id, FaultCode.Overloaded, "arguments of too many bytes are pending");
        else if (call.Items?.TryAdd(item.Data.ToArray()) != true)
            Break(item.Id, FaultCode.BadArguments, "an item without credit, or behind the last one");
        else
        {
            call.ItemBytes += bytes;
            _itemBytes += bytes;
        }
    }

    /// <summary>The hub has sent its last argument.</summary>
    public void OnItemsEnd(uint id) => _running.GetValueOrDefault(id)?.Items?.End();

    /// <summary>The hub takes more results.</summary>
    public void OnCredit(Credit credit) => _running.GetValueOrDefault(credit.Id)?.OnCredit(credit.Count);

    /// <summary>The connection is lost.</summary>
    public void CancelAll()
    {
        foreach (InboundCall call in _running.Values)
        {
            call.Cancel();
            call.End();
        }

        _running.Clear();
    }

    /// <summary>Sends one of several results, once the hub gives credit; without the lock.</summary>
    private async ValueTask SendAsync(InboundCall call, ReadOnlyMemory<byte> item, CancellationToken cancellationToken)
    {
        if (item.Length > ItemBytesMax)
            throw new PayloadTooLargeException($"An item of {item.Length} bytes is more than the hub takes: {ItemBytesMax}.");
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, call.Over);
        Task credit = call.TakeCreditAsync(either.Token);
        if (!credit.IsCompleted) FlushSoon();
        await credit.ConfigureAwait(false);
        bool isSent = false;
        try
        {
            byte[] message = NativeWriter.Message(new CallItem { Id = call.Id, Data = item.Span });
            isSent = await sender.PostAsync(message, () => IsRunning(call), either.Token).ConfigureAwait(false);
        }
        finally
        {
            if (!isSent) call.ReturnCredit();
        }

        if (!isSent) throw new OperationCanceledException("The call is over.", call.Over);
    }

    private void FlushSoon()
    {
        lock (state.Gate) sender.FlushSoon();
    }

    // A method has read further arguments, so the hub may send as many more; without the lock.
    private void Grant(InboundCall call, int items, int bytes)
    {
        lock (state.Gate)
        {
            if (!IsRunning(call)) return;
            call.Items!.Expect(items);
            call.ItemBytes -= bytes;
            _itemBytes -= bytes;
            sender.PostControl(new Credit { Scope = CreditScope.Call, Id = call.Id, Count = (uint)items });
        }
    }

    private async Task RunAsync(InboundCall call, ClientItemsMethod method, HubCall asSeen)
    {
        FaultCode code = FaultCode.None;
        ReadOnlyMemory<byte> result = default;
        string text = "";
        try
        {
            result = await method(asSeen, call.Over).ConfigureAwait(false);
            if (result.Length <= ItemBytesMax && await TrySendResultAsync(call, result).ConfigureAwait(false)) return;
        }
        catch (CallFailedException failed) when (failed.Code is not (FaultCode.None or FaultCode.Closed))
        {
            (code, text) = (failed.Code, failed.Text);
        }
        catch (OperationCanceledException) when (call.Over.IsCancellationRequested)
        {
            (code, text) = (FaultCode.Deadline, "the time is over");
        }
        catch (Exception failure)
        {
            ClientLog.MethodFailed(state.Log, asSeen.Method, failure);
            state.Options.Methods.Report(asSeen.Method, failure);
            (code, text) = (FaultCode.Internal, "internal error");
        }

        lock (state.Gate)
        {
            // One that was cancelled has been answered, and its number may be a later call's.
            if (!IsRunning(call)) return;
            Remove(call);
            call.Dispose();
            if (code == FaultCode.None) SendResult(call.Id, result);
            else SendFault(call.Id, code, text);
        }
    }

    // The hub waits for a result as for credit, and earlier items may fill the queue: so the result waits for room, and no batch holds it
    // back.
    private ValueTask<bool> TrySendResultAsync(InboundCall call, ReadOnlyMemory<byte> result)
    {
        return sender.PostAsync(
            NativeWriter.Message(new CallResult { Id = call.Id, Data = result.Span }), () => IsRunning(call), call.Over, End);

        void End()
        {
            Remove(call);
            call.Dispose();
            sender.FlushSoon();
        }
    }

    private void Break(uint id, FaultCode code, string text)
    {
        if (!_running.TryGetValue(id, out InboundCall? call)) return;
        Remove(call);
        call.Cancel();
        SendFault(id, code, text);
    }

    private void Remove(InboundCall call)
    {
        _running.Remove(call.Id);
        _itemBytes -= call.ItemBytes;
        call.End();
    }

    // The number may belong to a later call by now.
    private bool IsRunning(InboundCall call) => _running.GetValueOrDefault(call.Id) == call;

    // A result that the hub rejects, at once or in the middle, ends its call with a fault that has the reason.
    private void SendResult(uint id, ReadOnlyMemory<byte> result)
    {
        if (state.CloseInfo is not null) return;
        try
        {
            uint? stream = uploads.Post(new CallResult { Id = id }, result, progress: null, failed: why => OnRefused(id, why));
            if (stream is not { } number) return;
            _streams.Enqueue(number);
            if (_streams.Count > CallsMax) uploads.Evict(_streams.Dequeue());
        }
        catch (PayloadTooLargeException tooLarge)
        {
            SendFault(id, FaultCode.ResultTooBig, tooLarge.Message);
        }
        catch (QueueFullException)
        {
            SendFault(id, FaultCode.Overloaded, "too much waits to be sent");
        }
    }

    private void OnRefused(uint id, Exception why) =>
        SendFault(id, why is RequestRejectedException refused ? ((ChunkError)refused.Code).ResultFault : FaultCode.ResultTooBig,
            why.Message);

    private void SendFault(uint id, FaultCode code, string text) =>
        sender.PostControl(new CallFault { Id = id, Code = code, Text = Shorten(text) });

    // For people, and for one frame: cut between two characters.
    private static byte[] Shorten(string text)
    {
        byte[] bytes = new byte[Math.Min(FaultTextBytesMax, Encoding.UTF8.GetMaxByteCount(text.Length))];
        Encoding.UTF8.GetEncoder().Convert(text, bytes, flush: true, out _, out int used, out _);
        return bytes[..used];
    }
}
