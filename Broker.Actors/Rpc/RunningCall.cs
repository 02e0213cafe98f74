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
    private readonly ArgumentItems? _items;
    private readonly int _resultsWindow;
    private SemaphoreSlim? _credit;                 // Results that the caller takes; most calls have one, and never ask.
    private volatile bool _abandoned;

    internal RunningCall(
        uint id, MethodHandler handler, MethodCall call, CallWindows windows, TimeSpan deadline, TimeProvider time, IActorRef session, ILoggingAdapter log)
    {
        Id = id;
        call.Running = this;
        if (windows.Arguments > 0) _items = new ArgumentItems(windows.Arguments, (items, bytes) => Tell(new SessionProtocol.CallTook(this, items, bytes)));
        _resultsWindow = windows.Results;
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

    /// <summary>Further arguments that are held for it, in bytes; counted by its session.</summary>
    internal int ItemBytes { get; set; }

    /// <summary>Adds a further argument; for the session.</summary>
    /// <returns>False when the caller has no credit for it, or has said that none follow.</returns>
    internal bool TryAdd(ReadOnlyMemory<byte> item) => _items?.TryAdd(item) == true;

    /// <summary>The caller is told that it may say more arguments; for the session.</summary>
    internal void Grant(int items) => _items?.Grant(items);

    /// <summary>The caller has said its last argument; for the session.</summary>
    internal void EndItems() => _items?.End();

    /// <summary>The caller takes more results; for the session.</summary>
    internal void GrantResults(int items)
    {
        // More than there could ever be is as good as endless.
        if (items > 0 && _resultsWindow > 0 && Credit.CurrentCount < CallWindows.CreditMax) Credit.Release(items);
    }

    internal IAsyncEnumerable<ReadOnlyMemory<byte>> ReadItemsAsync() => _items?.ReadAsync(_over.Token) ?? AsyncEnumerable.Empty<ReadOnlyMemory<byte>>();

    internal async ValueTask SayAsync(ReadOnlyMemory<byte> item)
    {
        if (_resultsWindow == 0) throw new CallFaultException("the method has several results, and this client takes one");
        await Credit.WaitAsync(_over.Token).ConfigureAwait(false);
        Tell(new SessionProtocol.CallSaid(this, item));
    }

    private SemaphoreSlim Credit => _credit ?? Interlocked.CompareExchange(ref _credit, new SemaphoreSlim(_resultsWindow), null) ?? _credit;

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
        Tell(new SessionProtocol.CallReturned(this, code, result, text));
    }

    private void Expire() => Tell(new SessionProtocol.CallExpired(this));

    private void Tell(object message)
    {
        if (!_abandoned) _session.Tell(message, ActorRefs.NoSender);
    }
}
