using Broker.Core.Rpc;

namespace Broker.Client;

/// <summary>The calls of the hub on one connection: each is answered exactly once. Guarded by the connection's lock, but for what it awaits.</summary>
internal sealed class AnsweredCalls(ClientMethods methods, TimeProvider time, Lock gate, Action<uint, ReadOnlyMemory<byte>> onResult, Action<uint, FaultCode, string> onFault)
{
    private const int CallsMax = 1024;

    private readonly Dictionary<uint, CancellationTokenSource> _running = [];

    /// <summary>The hub calls.</summary>
    public void Start(in Call call)
    {
        if (!CallIds.IsServers(call.Id) || _running.ContainsKey(call.Id)) onFault(call.Id, FaultCode.BadId, "");
        else if (call.Options != CallOptions.None) onFault(call.Id, FaultCode.BadArguments, "the arguments come in one piece");
        else if (!methods.TryGet(call.Method, out string name, out ClientMethod method)) onFault(call.Id, FaultCode.UnknownMethod, "unknown method");
        else if (_running.Count >= CallsMax) onFault(call.Id, FaultCode.Overloaded, "too many calls are pending");
        else
        {
            TimeSpan limit = call.DeadlineMilliseconds == 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMilliseconds(call.DeadlineMilliseconds);
            var over = new CancellationTokenSource(limit, time);
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
        onFault(id, FaultCode.Cancelled, "cancelled");
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
            methods.Report(name, failure);
            (code, text) = (FaultCode.Internal, "internal error");
        }

        lock (gate)
        {
            // One that was cancelled has been answered, and its number may be a later call's.
            if (_running.GetValueOrDefault(id) != over) return;
            _running.Remove(id);
            over.Dispose();
            if (code == FaultCode.None) onResult(id, result);
            else onFault(id, code, text);
        }
    }
}
