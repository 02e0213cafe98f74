using Broker.Actors.Calls.Methods;
using Broker.Actors.Model;
using Akka.Actor;
using Akka.Event;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Broker.Reactor.Loops;

namespace Broker.Actors.Calls.Inbound;

/// <summary>The calls of one client: each is answered exactly once, in whatever order they return.</summary>
/// <remarks>
/// For the session's thread. A call that was cancelled or whose time is over has its answer, and yet counts until its handler
/// returns: a client cannot have more handlers running than the bound, however fast it cancels.
/// </remarks>
internal sealed class SessionCalls(IActorRef session, ICallOutlet outlet, EventLoop loop, SaidItems items, CallEnvironment around, ILoggingAdapter log)
{
    private readonly CallTable<RunningCall> _pending = new(around.Settings.PendingMax);
    private LoopTimer? _timer;
    private TimeSpan? _due;                         // What the timer is set to, if it is.
    private QuickCalls? _quick;                     // From the first quick call on.
    private CallBatch? _batch;                      // Of the turn under way.
    private CallLane? _lane;                        // From the first ordered call on.
    private int _started;                           // In the turn under way.
    private int _running;
    private long _bytes;

    /// <summary>Answers a call, starts it, or answers why not.</summary>
    internal void Start(in CallRequest call, Principal caller)
    {
        FaultCode refused = Find(call, out Method? method);
        if (outlet.IsSettling) refused = FaultCode.Cancelled;
        if (refused == FaultCode.None)
        {
            bool answered = method!.IsQuick && Quick.TryAnswer(call.Id, method, call.Arguments.Span, caller);
            if (!answered) refused = TryStart(call, method, caller);
            if (!answered && refused == FaultCode.None) return;
        }

        call.Hold?.Dispose();
        if (refused != FaultCode.None) outlet.Faulted(call.Id, refused, outlet.IsSettling ? "the connection ends" : TextOf(refused));
    }

    /// <summary>Answers calls of quick methods; whichever can not be answered now is a call as any other.</summary>
    internal void Start(QuickRun run, Principal caller)
    {
        foreach (ref readonly QuickEntry call in run.Calls)
        {
            bool answered = call.Method.IsQuick && !_pending.TryGet(call.Id, out _) && Quick.TryAnswer(call.Id, call.Method, run.ArgumentsOf(call), caller);
            if (!answered) Start(run.RequestOf(call), caller);
        }

        run.GiveBack();
    }

    private QuickCalls Quick => _quick ??= new QuickCalls(outlet, loop, around, log);

    private FaultCode Find(in CallRequest call, out Method? method)
    {
        if (!around.Methods.TryGet(call.Method, out method))
        {
            if (call.Name is not { } name || around.Methods.Fallback is not { } fallback) return FaultCode.UnknownMethod;
            method = new Method(name, fallback);
        }

        return _pending.TryGet(call.Id, out _) ? FaultCode.BadId : FaultCode.None;
    }

    private FaultCode TryStart(in CallRequest call, Method method, Principal caller)
    {
        CallSettings settings = around.Settings;
        if (_running >= settings.PendingMax) return FaultCode.Overloaded;

        // Arguments that came as a stream count where streams do.
        int bytes = call.Hold is null ? call.Arguments.Length : 0;
        if (_bytes + bytes > settings.BytesMax) return FaultCode.Overloaded;

        TimeSpan deadline = call.Deadline == TimeSpan.Zero || call.Deadline > settings.DeadlineMax ? settings.DeadlineMax : call.Deadline;
        var running = new RunningCall(call.Id, method.Handler, new MethodCall(method.Name, call.Arguments, caller), call.Windows, items.Untaken, session, log)
        {
            Bytes = bytes,
            Hold = call.Hold,
            Order = method.Order,
        };
        _pending.Add(call.Id, Now + deadline, running);
        _running++;
        _started++;
        _bytes += running.Bytes;
        if (method.Order == CallOrder.None) (_batch ??= new CallBatch(session)).Add(running);
        else (_lane ??= new CallLane(session)).Add(running);
        outlet.Owe();
        return FaultCode.None;
    }

    /// <summary>The turn is over: its calls begin.</summary>
    internal void Begin()
    {
        _quick?.EndTurn();
        if (_started == 0) return;
        _started = 0;
        CallBatch? batch = _batch;
        _batch = null;
        batch?.Start();
        _lane?.Start();
        WatchDeadlines();
    }

    private TimeSpan Now => TimeSpan.FromMilliseconds(loop.NowMilliseconds);

    // Nearly all calls are over before their time, and most have the same: so the timer is moved only to an earlier one.
    private void WatchDeadlines()
    {
        if (_pending.NextDeadline is not { } next || next >= _due) return;
        _due = next;
        (_timer ??= new LoopTimer(loop, OnTime)).Set(next - Now);
    }

    private void OnTime()
    {
        _due = null;
        while (_pending.TryExpire(Now, out uint id, out RunningCall? running))
        {
            running.Cancel();
            outlet.Faulted(id, FaultCode.Deadline, TextOf(FaultCode.Deadline));
            outlet.Settle();
        }

        WatchDeadlines();
    }

    /// <summary>The caller wants no answer any more; ignored if it has the whole of it.</summary>
    internal void Cancel(uint id)
    {
        if (!_pending.TryTake(id, out RunningCall? running))
        {
            outlet.Unwanted(id);
            return;
        }

        running.Cancel();
        outlet.Faulted(id, FaultCode.Cancelled, TextOf(FaultCode.Cancelled));
        outlet.Settle();
    }

    /// <summary>A handler has returned.</summary>
    internal void OnReturned(InboundCallProtocol.CallReturned returned)
    {
        _running--;
        _bytes -= returned.Call.Bytes + returned.Call.ItemBytes;
        returned.Call.ItemBytes = 0;
        IChunkSource? source = returned.Call.TakeSource();
        if (!IsPending(returned.Call))
        {
            source?.Dispose();
            return;
        }

        _pending.TryTake(returned.Call.Id, out _);
        if (source is not null) outlet.Returned(returned.Call.Id, source);
        else if (returned.Code == FaultCode.None) outlet.Returned(returned.Call.Id, returned.Result);
        else outlet.Faulted(returned.Call.Id, returned.Code, returned.Text);
        outlet.Settle();
    }

    /// <summary>The caller says a further argument; ignored if the call is over.</summary>
    internal void OnItem(uint id, ReadOnlyMemory<byte> item)
    {
        if (!_pending.TryGet(id, out RunningCall? running)) return;
        if (_bytes + item.Length > around.Settings.BytesMax) Break(running, FaultCode.Overloaded, "arguments of too many bytes are pending");
        else if (!running.TryAdd(item)) Break(running, FaultCode.BadArguments, "an item without credit, or behind the last one");
        else
        {
            running.ItemBytes += item.Length;
            _bytes += item.Length;
        }
    }

    /// <summary>The caller has said its last argument.</summary>
    internal void OnItemsEnd(uint id)
    {
        if (_pending.TryGet(id, out RunningCall? running)) running.EndItems();
    }

    /// <summary>The caller takes more results.</summary>
    internal void OnGranted(uint id, int items)
    {
        if (_pending.TryGet(id, out RunningCall? running)) running.GrantResults(items);
    }

    /// <summary>A handler has read further arguments, so the caller may say as many more.</summary>
    internal void OnTook(InboundCallProtocol.CallTook took)
    {
        if (!IsPending(took.Call)) return;
        took.Call.ItemBytes -= took.Bytes;
        _bytes -= took.Bytes;
        took.Call.Grant(took.Items);
        outlet.Granted(took.Call.Id, took.Items);
    }

    /// <summary>A handler has said one of several results.</summary>
    internal void OnSaid(InboundCallProtocol.CallSaid said)
    {
        if (IsPending(said.Call) && !Say(said)) Break(said.Call, FaultCode.ResultTooBig, "an item passes the longest payload of the client");
        said.Source?.Dispose();
        items.Add(said.Bytes);
    }

    private bool Say(InboundCallProtocol.CallSaid said) =>
        said.Source is { } source ? outlet.Said(said.Call.Id, source) : outlet.Said(said.Call.Id, said.Item);

    private void Break(RunningCall running, FaultCode code, string text)
    {
        _pending.TryTake(running.Id, out _);
        running.Cancel();
        outlet.Faulted(running.Id, code, text);
        outlet.Settle();
    }

    /// <summary>The client is gone: all handlers are told.</summary>
    internal void AbandonAll()
    {
        _timer?.Stop();
        while (_pending.TryTakeFirst(out _, out RunningCall? running)) running.Abandon();
    }

    // The number may belong to a later call by now.
    private bool IsPending(RunningCall running) => _pending.TryGet(running.Id, out RunningCall? pending) && ReferenceEquals(pending, running);

    private static string TextOf(FaultCode code) => code switch
    {
        FaultCode.UnknownMethod => "unknown method",
        FaultCode.BadId => "the number is that of a pending call",
        FaultCode.Overloaded => "too many calls are pending",
        FaultCode.Cancelled => "cancelled",
        _ => "the time is over",
    };
}
