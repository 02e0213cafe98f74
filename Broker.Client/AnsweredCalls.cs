using System.Text;
using Broker.Core.Chunks;
using Broker.Core.Rpc;

namespace Broker.Client;

/// <summary>The calls of the hub on one connection: each is answered exactly once.</summary>
internal sealed class AnsweredCalls(ConnectionState state, FrameSender sender, Uploads uploads)
{
    private const int CallsMax = 1024;

    private readonly Dictionary<uint, CancellationTokenSource> _running = [];
    private readonly Queue<uint> _streams = new();      // Of long results; the hub may refuse one when all of it has been sent.

    /// <summary>The hub calls.</summary>
    public void Start(in Call call)
    {
        if (!CallIds.IsServers(call.Id) || _running.ContainsKey(call.Id)) SayFault(call.Id, FaultCode.BadId, "");
        else if (call.Options != CallOptions.None) SayFault(call.Id, FaultCode.BadArguments, "the arguments come in one piece");
        else if (!state.Options.Methods.TryGet(call.Method, out string name, out ClientMethod method)) SayFault(call.Id, FaultCode.UnknownMethod, "unknown method");
        else if (_running.Count >= CallsMax) SayFault(call.Id, FaultCode.Overloaded, "too many calls are pending");
        else
        {
            TimeSpan limit = call.DeadlineMilliseconds == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(call.DeadlineMilliseconds);
            var over = new CancellationTokenSource(limit, state.Options.Time);
            _running.Add(call.Id, over);
            uint id = call.Id;
            byte[] arguments = call.Arguments.ToArray();
            _ = Task.Run(() => RunAsync(id, name, method, arguments, over));
        }
    }

    /// <summary>The hub waits no longer.</summary>
    public void Cancel(uint id)
    {
        if (!_running.Remove(id, out CancellationTokenSource? over)) return;
        _ = over.CancelAsync();
        SayFault(id, FaultCode.Cancelled, "cancelled");
    }

    /// <summary>The connection is lost.</summary>
    public void CancelAll()
    {
        foreach (CancellationTokenSource over in _running.Values) _ = over.CancelAsync();
        _running.Clear();
    }

    private async Task RunAsync(uint id, string name, ClientMethod method, byte[] arguments, CancellationTokenSource over)
    {
        FaultCode code = FaultCode.None;
        ReadOnlyMemory<byte> result = default;
        string text = "";
        try
        {
            result = await method(arguments, over.Token).ConfigureAwait(false);
        }
        catch (CallFailedException failed) when (failed.Code is not (FaultCode.None or FaultCode.Closed))
        {
            (code, text) = (failed.Code, failed.Text);
        }
        catch (OperationCanceledException) when (over.IsCancellationRequested)
        {
            (code, text) = (FaultCode.Deadline, "the time is over");
        }
        catch (Exception failure)
        {
            state.Options.Methods.Report(name, failure);
            (code, text) = (FaultCode.Internal, "internal error");
        }

        lock (state.Gate)
        {
            // One that was cancelled has been answered, and its number may be a later call's.
            if (_running.GetValueOrDefault(id) != over) return;
            _running.Remove(id);
            over.Dispose();
            if (code == FaultCode.None) SayResult(id, result);
            else SayFault(id, code, text);
        }
    }

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

    private void SayFault(uint id, FaultCode code, string text) => sender.TryPost(new CallFault { Id = id, Code = code, Text = Encoding.UTF8.GetBytes(text) });
}
