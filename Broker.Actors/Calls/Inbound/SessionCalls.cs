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
internal sealed class SessionCalls(
    IActorRef session, ICallWriter writer, EventLoop loop, SentItems items, CallContext context, ILoggingAdapter log)
{
    private readonly CallTable<RunningCall> _pending = new(context.Settings.PendingMax);
    private LoopTimer? _timer;
    private TimeSpan? _due;                         // What the timer is set to, if it is.
    private InlineCalls? _inline;                     // From the first inline call on.
    private CallBatch? _batch;                      // Of the turn under way.
    private CallLane? _lane;                        // From the first ordered call on.
    private int _started;                           // In the turn under way.
    private int _running;
    private long _bytes;

    /// <summary>Answers a call, starts it, or answers why not.</summary>
    internal void Start(in CallRequest call, Principal caller)
    {
        FaultCode refused = Find(call, out Method? method);
        if (writer.IsSettling) refused = FaultCode.Cancelled;
        if (refused == FaultCode.None)
        {
            bool answered = method!.IsInline && Inline.TryAnswer(call.Id, method, call.Arguments.Span, caller);
            if (!answered) refused = TryStart(call, method, caller);
            if (!answered && refused == FaultCode.None) return;
        }

        call.Reservation?.Dispose();
        if (refused != FaultCode.None) writer.Faulted(call.Id, refused, writer.IsSettling ? "the connection ends" : TextOf(refused));
    }

    /// <summary>Answers calls of inline methods; whichever can not be answered now is a call as any other.</summary>
    internal void Start(InlineRun run, Principal caller)
    {
        foreach (ref readonly InlineEntry call in run.Calls)
        {
            bool answered =
                call.Method.IsInline && !_pending.TryGet(call.Id, out _)
                    && Inline.TryAnswer(call.Id, call.Method, run.ArgumentsOf(call), caller);
            if (!answered) Start(run.RequestOf(call), caller);
        }

        run.Return();
    }

    private InlineCalls Inline => _inline ??= new InlineCalls(writer, loop, context, log);

    private FaultCode Find(in CallRequest call, out Method? method)
    {
        if (!context.Methods.TryGet(call.Method, out method))
        {
            if (call.Name is not { } name || context.Methods.Fallback is not { } fallback) return FaultCode.UnknownMethod;
            method = new Method(name, fallback);
        }

        return _pending.TryGet(call.Id, out _) ? FaultCode.BadId : FaultCode.None;
    }

    private FaultCode TryStart(in CallRequest call, Method method, Principal caller)
    {
        CallSettings settings = context.Settings;
        if (_running >= settings.PendingMax) return FaultCode.Overloaded;

        // Arguments that came as a stream count where streams do.
        int bytes = call.Reservation is null ? call.Arguments.Length : 0;
        if (_bytes + bytes > settings.BytesMax) return FaultCode.Overloaded;

        TimeSpan deadline = call.Deadline == TimeSpan.Zero || call.Deadline > settings.DeadlineMax ? settings.DeadlineMax : call.Deadline;
        var running =
            new RunningCall(
                call.Id, method.Handler, new MethodCall(method.Name, call.Arguments, caller), call.Windows, items.UnreadBudget, session,
                    log)
        {
            Bytes = bytes,
            Reservation = call.Reservation,
            Order = method.Order,
        };
        _pending.Add(call.Id, Now + deadline, running);
        _running++;
        _started++;
        _bytes += running.Bytes;
        if (method.Order == CallOrder.None) (_batch ??= new CallBatch(session)).Add(running);
        else (_lane ??= new CallLane(session)).Add(running);
        writer.Owe();
        return FaultCode.None;
    }

    /// <summary>The turn is over: its calls begin.</summary>
    internal void Begin()
    {
        _inline?.EndTurn();
        if (_started == 0) return;
        _started = 0;
        CallBatch? batch = _batch;
        _batch = null;
        batch?.Start();
        _lane?.Start();
        WatchTimers();
    }

    private TimeSpan Now => TimeSpan.FromMilliseconds(loop.NowMilliseconds);

    // Nearly all calls are over before their time, and most have the same: so the timer is moved only to an earlier one.
    private void WatchTimers()
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
            writer.Faulted(id, FaultCode.Deadline, TextOf(FaultCode.Deadline));
            writer.Settle();
        }

        WatchTimers();
    }

    /// <summary>The caller wants no answer any more; ignored if it has the whole of it.</summary>
    internal void Cancel(uint id)
    {
        if (!_pending.TryTake(id, out RunningCall? running))
        {
            writer.OnCancelled(id);
            return;
        }

        running.Cancel();
        writer.Faulted(id, FaultCode.Cancelled, TextOf(FaultCode.Cancelled));
        writer.Settle();
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
        if (source is not null) writer.Returned(returned.Call.Id, source);
        else if (returned.Code == FaultCode.None) writer.Returned(returned.Call.Id, returned.Result);
        else writer.Faulted(returned.Call.Id, returned.Code, returned.Text);
        writer.Settle();
    }

    /// <summary>The caller sends a further argument; ignored if the call is over.</summary>
    internal void OnItem(uint id, ReadOnlyMemory<byte> item)
    {
        if (!_pending.TryGet(id, out RunningCall? running)) return;
        if (_bytes + item.Length > context.Settings.BytesMax)
            Break(running, FaultCode.Overloaded, "arguments of too many bytes are pending");
        else if (!running.TryAdd(item)) Break(running, FaultCode.BadArguments, "an item without credit, or behind the last one");
        else
        {
            running.ItemBytes += item.Length;
            _bytes += item.Length;
        }
    }

    /// <summary>The caller has sent its last argument.</summary>
    internal void OnItemsEnd(uint id)
    {
        if (_pending.TryGet(id, out RunningCall? running)) running.EndItems();
    }

    /// <summary>The caller takes more results.</summary>
    internal void OnGranted(uint id, int items)
    {
        if (_pending.TryGet(id, out RunningCall? running)) running.GrantResults(items);
    }

    /// <summary>A handler has read further arguments, so the caller may send as many more.</summary>
    internal void OnItemsRead(InboundCallProtocol.CallItemsRead took)
    {
        if (!IsPending(took.Call)) return;
        took.Call.ItemBytes -= took.Bytes;
        _bytes -= took.Bytes;
        took.Call.Grant(took.Items);
        writer.Granted(took.Call.Id, took.Items);
    }

    /// <summary>A handler has sent one of several results.</summary>
    internal void OnItemSent(InboundCallProtocol.CallItemSent sent)
    {
        if (IsPending(sent.Call) && !Send(sent))
            Break(sent.Call, FaultCode.ResultTooBig, "an item passes the longest payload of the client");
        sent.Source?.Dispose();
        items.Add(sent.Bytes);
    }

    private bool Send(InboundCallProtocol.CallItemSent sent) =>
        sent.Source is { } source ? writer.Sent(sent.Call.Id, source) : writer.Sent(sent.Call.Id, sent.Item);

    private void Break(RunningCall running, FaultCode code, string text)
    {
        _pending.TryTake(running.Id, out _);
        running.Cancel();
        writer.Faulted(running.Id, code, text);
        writer.Settle();
    }

    /// <summary>The client is gone: all handlers are told.</summary>
    internal void AbandonAll()
    {
        _timer?.Stop();
        while (_pending.TryTakeFirst(out _, out RunningCall? running)) running.Abandon();
    }

    // The number may belong to a later call by now.
    private bool IsPending(RunningCall running) =>
        _pending.TryGet(running.Id, out RunningCall? pending) && ReferenceEquals(pending, running);

    private static string TextOf(FaultCode code) => code switch
    {
        FaultCode.UnknownMethod => "unknown method",
        FaultCode.BadId => "the number is that of a pending call",
        FaultCode.Overloaded => "too many calls are pending",
        FaultCode.Cancelled => "cancelled",
        _ => "the time is over",
    };
}
