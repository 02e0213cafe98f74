using Broker.Actors.Calls.Methods;
using Akka.Actor;
using Akka.Event;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;

namespace Broker.Actors.Calls.Inbound;

/// <summary>One call between its start and its handler's return. Runs on the thread pool, and tells its session by message.</summary>
public sealed class RunningCall : IRunningCall
{
    private readonly MethodHandler _handler;
    private readonly MethodCall _call;
    private readonly IActorRef _session;
    private readonly ILoggingAdapter _log;
    private readonly CancellationTokenSource _over = new();
    private readonly UnreadItems? _items;
    private readonly int _resultsWindow;
    private readonly int _resultBytesMax;
    private readonly ItemBudget _unreadBudget;           // Where its several results count until the client has taken them.
    private ItemCredit? _credit;                    // Results that the caller takes; most calls have one, and never ask.
    private IChunkSource? _source;                  // The result, from the handler's return until the session takes it.
    private volatile bool _abandoned;

    internal RunningCall(
        uint id, MethodHandler handler, MethodCall call, CallWindows windows, ItemBudget items, IActorRef session, ILoggingAdapter log)
    {
        Id = id;
        call.Running = this;
        if (windows.Arguments > 0)
            _items = new UnreadItems(
                windows.Arguments, (items, bytes) => SendToSession(new InboundCallProtocol.CallItemsRead(this, items, bytes)));
        _resultsWindow = windows.Results;
        _resultBytesMax = windows.ResultBytesMax;
        _unreadBudget = items;
        _handler = handler;
        _call = call;
        _session = session;
        _log = log;
    }

    /// <summary>The caller's number.</summary>
    public uint Id { get; }

    /// <summary>Bytes that it holds of what a client's calls may.</summary>
    public int Bytes { get; internal init; }

    /// <summary>How it stands to other calls of its connection.</summary>
    internal CallOrder Order { get; init; }

    /// <summary>Where long arguments count until the handler has returned.</summary>
    internal IDisposable? Reservation { private get; init; }

    /// <summary>Further arguments that are held for it, in bytes; counted by its session.</summary>
    internal int ItemBytes { get; set; }

    /// <summary>Adds a further argument; for the session.</summary>
    /// <returns>False when the caller has no credit for it, or has said that none follow.</returns>
    internal bool TryAdd(ReadOnlyMemory<byte> item) => _items?.TryAdd(item) == true;

    /// <summary>The caller is notified that it may send more arguments; for the session.</summary>
    internal void Grant(int items) => _items?.Expect(items);

    /// <summary>The caller has sent its last argument; for the session.</summary>
    internal void EndItems() => _items?.End();

    /// <summary>The caller takes more results; for the session.</summary>
    internal void GrantResults(int items)
    {
        if (_resultsWindow > 0) Credit.Add((uint)items);
    }

    /// <inheritdoc />
    public IAsyncEnumerable<ReadOnlyMemory<byte>> ReadItemsAsync() =>
        _items?.ReadAsync(_over.Token) ?? AsyncEnumerable.Empty<ReadOnlyMemory<byte>>();

    /// <inheritdoc />
    public async ValueTask SendAsync(ReadOnlyMemory<byte> item)
    {
        await WaitAsync(item.Length, _over.Token).ConfigureAwait(false);
        SendToSession(new InboundCallProtocol.CallItemSent(this, item));
    }

    /// <inheritdoc />
    public async ValueTask SendAsync(IChunkSource item, CancellationToken cancellationToken)
    {
        try
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(_over.Token, cancellationToken);
            await WaitAsync(item.Bytes, either.Token).ConfigureAwait(false);
        }
        catch
        {
            item.Dispose();
            throw;
        }

        if (_abandoned) item.Dispose();
        else SendToSession(new InboundCallProtocol.CallItemSent(this, default) { Source = item });
    }

    // Until the caller has credit for one more, and its connection room. What is not said takes neither.
    private async ValueTask WaitAsync(long bytes, CancellationToken cancellationToken)
    {
        if (_resultsWindow == 0) throw new CallFaultException("the method has several results, and this client takes one");
        if (bytes > _resultBytesMax)
            throw new CallFaultException(
                FaultCode.ResultTooBig, $"an item of {bytes} bytes passes the {_resultBytesMax} that the client takes");
        await Credit.TakeAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await _unreadBudget.TakeAsync((int)bytes, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            Credit.Add(1);
            throw;
        }
    }

    private ItemCredit Credit => _credit ?? Interlocked.CompareExchange(ref _credit, new ItemCredit(_resultsWindow), null) ?? _credit;

    /// <inheritdoc />
    public void Give(IChunkSource result) => Interlocked.Exchange(ref _source, result)?.Dispose();

    /// <summary>Where the result is, if it is somewhere already; the code that takes it disposes of it.</summary>
    internal IChunkSource? TakeSource() => _source is null ? null : Interlocked.Exchange(ref _source, null);

    /// <summary>
    /// No caller waits for the answer any more. What that sets off runs on the thread pool, as a handler's own code may be in it.
    /// </summary>
    internal void Cancel() => _ = _over.CancelAsync();

    /// <summary>The session is gone too, so no one is notified.</summary>
    internal void Abandon()
    {
        _abandoned = true;
        Cancel();
    }

    /// <summary>Starts the handler, on a thread of the pool.</summary>
    /// <returns>What it came to, if it has returned already; else its session is told by itself, later.</returns>
    internal InboundCallProtocol.CallReturned? Begin()
    {
        try
        {
            ValueTask<ReadOnlyMemory<byte>> answer = _handler(_call, _over.Token);
            if (answer.IsCompletedSuccessfully) return Return(FaultCode.None, answer.Result, "");
            FinishAsync(answer);
            return null;
        }
        catch (Exception failure)
        {
            return Fail(failure);
        }
    }

    /// <summary>Starts the handler of an ordered call, unless its caller has its answer already: on a thread of the pool.</summary>
    /// <param name="resume">Called once if the call <paramref name="holdsUp"/> the next, when it is done.</param>
    /// <param name="holdsUp">Whether the next ordered call has to wait for that.</param>
    /// <returns>What it came to, if it has returned already; else its session is told by itself, later.</returns>
    internal InboundCallProtocol.CallReturned? BeginInOrder(Action resume, out bool holdsUp)
    {
        holdsUp = false;
        if (_over.IsCancellationRequested) return Return(FaultCode.Cancelled, default, "cancelled");
        try
        {
            ValueTask<ReadOnlyMemory<byte>> answer = _handler(_call, _over.Token);
            if (answer.IsCompletedSuccessfully) return Return(FaultCode.None, answer.Result, "");
            holdsUp = Order == CallOrder.Done;
            FinishAsync(answer, holdsUp ? resume : null);
            return null;
        }
        catch (Exception failure)
        {
            return Fail(failure);
        }
    }

    private async void FinishAsync(ValueTask<ReadOnlyMemory<byte>> answer, Action? resume = null)
    {
        InboundCallProtocol.CallReturned returned;
        try
        {
            returned = Return(FaultCode.None, await answer.ConfigureAwait(false), "");
        }
        catch (Exception failure)
        {
            returned = Fail(failure);
        }

        SendToSession(returned);
        resume?.Invoke();
    }

    private InboundCallProtocol.CallReturned Fail(Exception failure)
    {
        switch (failure)
        {
            case CallFaultException fault: return Return(fault.Code, default, fault.Message);
            case OperationCanceledException when _over.IsCancellationRequested: return Return(FaultCode.Cancelled, default, "cancelled");
            default:
                _log.Error(failure, "The method {0} failed.", _call.Method);
                return Return(FaultCode.Internal, default, "internal error");
        }
    }

    private InboundCallProtocol.CallReturned Return(FaultCode code, ReadOnlyMemory<byte> result, string text)
    {
        Reservation?.Dispose();
        if (_abandoned || code != FaultCode.None) TakeSource()?.Dispose();
        return new InboundCallProtocol.CallReturned(this, code, result, text);
    }

    private void SendToSession(object message)
    {
        if (!_abandoned) _session.Tell(message, ActorRefs.NoSender);
    }
}
