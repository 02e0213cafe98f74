using System.Text;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;

namespace Broker.Client;

/// <summary>The calls of the hub on one connection: each is answered exactly once.</summary>
internal sealed class AnsweredCalls(ConnectionState state, FrameSender sender, Uploads uploads, NativeLimits limits)
{
    private const int CallsMax = 1024;
    private const int FaultTextBytesMax = 4096;
    private const uint TimerMillisecondsMax = uint.MaxValue - 1;       // Of any timer: 49.7 days.

    private readonly Dictionary<uint, AnsweredCall> _running = [];
    private readonly Queue<uint> _streams = new();      // Of long results; the hub may refuse one when all of it has been sent.
    private long _itemBytes;                            // Further arguments that wait for their methods.

    /// <summary>The longest item that the hub takes.</summary>
    public int ItemBytesMax => sender.Limits.ThresholdBytes - NativeWriter.SizeOf(default(CallItem));

    /// <summary>The hub calls.</summary>
    public void Start(in Call call)
    {
        if (!CallIds.IsServers(call.Id) || _running.ContainsKey(call.Id)) SayFault(call.Id, FaultCode.BadId, "");
        else if (!state.Options.Methods.TryGet(call.Method, out string name, out ClientItemsMethod method)) SayFault(call.Id, FaultCode.UnknownMethod, "unknown method");
        else if (_running.Count >= CallsMax) SayFault(call.Id, FaultCode.Overloaded, "too many calls are pending");
        else
        {
            AnsweredCall answered = Add(call);
            var asSeen = new HubCall(this, answered, name, call.Arguments.ToArray());
            _ = Task.Run(() => RunAsync(answered, method, asSeen));
        }
    }

    private AnsweredCall Add(in Call call)
    {
        TimeSpan limit = call.DeadlineMilliseconds == 0
            ? Timeout.InfiniteTimeSpan
            : TimeSpan.FromMilliseconds(Math.Min(call.DeadlineMilliseconds, TimerMillisecondsMax));
        bool hasItems = (call.Options & CallOptions.MoreArguments) != 0;
        AnsweredCall answered = null!;
        answered = new AnsweredCall(call.Id, limit, state.Options.Time, limits.WindowItems)
        {
            Items = hasItems ? new UnreadItems(state.Options.ItemsWindow, (items, bytes) => Grant(answered, items, bytes)) : null,
        };
        _running.Add(call.Id, answered);
        return answered;
    }

    /// <summary>The hub waits no longer.</summary>
    public void Cancel(uint id) => Break(id, FaultCode.Cancelled, "cancelled");

    /// <summary>The hub says a further argument; ignored if the call is over.</summary>
    public void OnItem(CallItem item)
    {
        if (!_running.TryGetValue(item.Id, out AnsweredCall? call)) return;
        int bytes = item.Data.Length;
        if (_itemBytes + bytes > state.Options.DownloadBytesMax) Break(item.Id, FaultCode.Overloaded, "arguments of too many bytes are pending");
        else if (call.Items?.TryAdd(item.Data.ToArray()) != true) Break(item.Id, FaultCode.BadArguments, "an item without credit, or behind the last one");
        else
        {
            call.ItemBytes += bytes;
            _itemBytes += bytes;
        }
    }

    /// <summary>The hub has said its last argument.</summary>
    public void OnItemsEnd(uint id) => _running.GetValueOrDefault(id)?.Items?.End();

    /// <summary>The hub takes more results.</summary>
    public void OnCredit(Credit credit) => _running.GetValueOrDefault(credit.Id)?.OnCredit(credit.Count);

    /// <summary>The connection is lost.</summary>
    public void CancelAll()
    {
        foreach (AnsweredCall call in _running.Values)
        {
            call.Cancel();
            call.End();
        }

        _running.Clear();
    }

    /// <summary>Says one of several results, once the hub takes it; without the lock.</summary>
    public async ValueTask SayAsync(AnsweredCall call, ReadOnlyMemory<byte> item, CancellationToken cancel)
    {
        if (item.Length > ItemBytesMax) throw new TooBigException($"An item of {item.Length} bytes is more than the hub takes: {ItemBytesMax}.");
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancel, call.Over);
        Task credit = call.TakeCreditAsync(either.Token);
        if (!credit.IsCompleted) Hurry();
        await credit.ConfigureAwait(false);
        bool isSaid = false;
        try
        {
            byte[] message = NativeWriter.Message(new CallItem { Id = call.Id, Data = item.Span });
            isSaid = await sender.PostAsync(message, () => IsRunning(call), either.Token).ConfigureAwait(false);
        }
        finally
        {
            if (!isSaid) call.GiveBackCredit();
        }

        if (!isSaid) throw new OperationCanceledException("The call is over.", call.Over);
    }

    private void Hurry()
    {
        lock (state.Gate) sender.Hurry();
    }

    // A method has read further arguments, so the hub may say as many more; without the lock.
    private void Grant(AnsweredCall call, int items, int bytes)
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

    private async Task RunAsync(AnsweredCall call, ClientItemsMethod method, HubCall asSeen)
    {
        FaultCode code = FaultCode.None;
        ReadOnlyMemory<byte> result = default;
        string text = "";
        try
        {
            result = await method(asSeen, call.Over).ConfigureAwait(false);
            if (result.Length <= ItemBytesMax && await TrySayResultAsync(call, result).ConfigureAwait(false)) return;
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
            state.Options.Methods.Report(asSeen.Method, failure);
            (code, text) = (FaultCode.Internal, "internal error");
        }

        lock (state.Gate)
        {
            // One that was cancelled has been answered, and its number may be a later call's.
            if (!IsRunning(call)) return;
            Remove(call);
            call.Dispose();
            if (code == FaultCode.None) SayResult(call.Id, result);
            else SayFault(call.Id, code, text);
        }
    }

    // The hub waits for a result as for a credit, and what was said before may fill the queue: so it waits for room, and no batch holds it.
    private ValueTask<bool> TrySayResultAsync(AnsweredCall call, ReadOnlyMemory<byte> result)
    {
        return sender.PostAsync(NativeWriter.Message(new CallResult { Id = call.Id, Data = result.Span }), () => IsRunning(call), call.Over, End);

        void End()
        {
            Remove(call);
            call.Dispose();
            sender.Hurry();
        }
    }

    private void Break(uint id, FaultCode code, string text)
    {
        if (!_running.TryGetValue(id, out AnsweredCall? call)) return;
        Remove(call);
        call.Cancel();
        SayFault(id, code, text);
    }

    private void Remove(AnsweredCall call)
    {
        _running.Remove(call.Id);
        _itemBytes -= call.ItemBytes;
        call.End();
    }

    // The number may belong to a later call by now.
    private bool IsRunning(AnsweredCall call) => _running.GetValueOrDefault(call.Id) == call;

    // A result that the hub does not take, at once or in the middle, ends its call with a fault that says why.
    private void SayResult(uint id, ReadOnlyMemory<byte> result)
    {
        if (state.Ending is not null) return;
        try
        {
            uint? stream = uploads.Post(new CallResult { Id = id }, result, progress: null, failed: why => OnRefused(id, why));
            if (stream is not { } number) return;
            _streams.Enqueue(number);
            if (_streams.Count > CallsMax) uploads.Forget(_streams.Dequeue());
        }
        catch (TooBigException tooBig)
        {
            SayFault(id, FaultCode.ResultTooBig, tooBig.Message);
        }
        catch (QueueFullException)
        {
            SayFault(id, FaultCode.Overloaded, "too much waits to be sent");
        }
    }

    private void OnRefused(uint id, Exception why) =>
        SayFault(id, why is RefusedException refused ? ((ChunkError)refused.Code).ResultFault : FaultCode.ResultTooBig, why.Message);

    private void SayFault(uint id, FaultCode code, string text) => sender.PostControl(new CallFault { Id = id, Code = code, Text = Shorten(text) });

    // For people, and for one frame: cut between two characters.
    private static byte[] Shorten(string text)
    {
        byte[] bytes = new byte[Math.Min(FaultTextBytesMax, Encoding.UTF8.GetMaxByteCount(text.Length))];
        Encoding.UTF8.GetEncoder().Convert(text, bytes, flush: true, out _, out int used, out _);
        return bytes[..used];
    }
}
