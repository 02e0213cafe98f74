using Akka.Actor;
using Akka.Event;
using Broker.Actors.Sessions;
using Broker.Core.Rpc;

namespace Broker.Actors.Rpc;

/// <summary>One call between its start and its handler's return. Runs on the thread pool, and tells its session by message.</summary>
public sealed class RunningCall : IThreadPoolWorkItem
{
    private readonly MethodHandler _handler;
    private readonly MethodCall _call;
    private readonly IActorRef _session;
    private readonly ILoggingAdapter _log;
    private readonly CancellationTokenSource _over;
    private volatile bool _abandoned;

    internal RunningCall(uint id, MethodHandler handler, MethodCall call, TimeSpan deadline, TimeProvider time, IActorRef session, ILoggingAdapter log)
    {
        Id = id;
        _handler = handler;
        _call = call;
        _session = session;
        _log = log;
        _over = new CancellationTokenSource(deadline, time);
    }

    /// <summary>The caller's number.</summary>
    public uint Id { get; }

    /// <summary>Bytes that it holds of what a client's calls may.</summary>
    public int Bytes { get; internal init; }

    /// <summary>Where long arguments count until the handler has returned.</summary>
    internal IDisposable? Hold { private get; init; }

    /// <summary>Starts the handler, and watches its time.</summary>
    internal void Start()
    {
        _over.Token.UnsafeRegister(static running => ((RunningCall)running!).Expire(), this);
        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    /// <summary>Nobody waits for the answer any more. What that sets off runs on the thread pool, as a handler's own code may be in it.</summary>
    internal void Cancel() => _ = _over.CancelAsync();

    /// <summary>The session is gone too, so nobody is told anything.</summary>
    internal void Abandon()
    {
        _abandoned = true;
        Cancel();
    }

    /// <summary>It has returned and was not cancelled: its timer goes.</summary>
    internal void Release() => _over.Dispose();

    /// <inheritdoc />
    public async void Execute()
    {
        FaultCode code = FaultCode.None;
        ReadOnlyMemory<byte> result = default;
        string text = "";
        try
        {
            result = await _handler(_call, _over.Token).ConfigureAwait(false);
        }
        catch (CallFaultException fault)
        {
            (code, text) = (fault.Code, fault.Message);
        }
        catch (OperationCanceledException) when (_over.IsCancellationRequested)
        {
            (code, text) = (FaultCode.Cancelled, "cancelled");
        }
        catch (Exception failure)
        {
            _log.Error(failure, "The method {0} failed.", _call.Method);
            (code, text) = (FaultCode.Internal, "internal error");
        }

        Hold?.Dispose();
        if (!_abandoned) _session.Tell(new SessionProtocol.CallReturned(this, code, result, text), ActorRefs.NoSender);
    }

    private void Expire()
    {
        if (!_abandoned) _session.Tell(new SessionProtocol.CallExpired(this), ActorRefs.NoSender);
    }
}
