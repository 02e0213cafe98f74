using Broker.Core.Buffers;
using System.Net;
using Broker.Core.Counting;
using Broker.Core.Framing;

namespace Broker.Reactor.Loops;

/// <summary>
/// One connection of one loop: a WebSocket, or whatever else carries messages both ways. Every member belongs to the loop's thread.
/// </summary>
/// <remarks>
/// Open --Close frame from us--> Closing --Close frame from the client--> Lingering --both sides ended, or late--> Closed.
/// A violation goes from Open to Lingering, and so does whatever ends a connection without frames; a failed socket goes to Closed at once.
/// </remarks>
public abstract class Connection : ITimerOwner
{
    private readonly OutboundSide _outbound;
    private readonly TimerEntry _timer;
    private IConnectionHandler? _handler;
    private Turn? _turn;
    private Closure? _closure;
    private long _transportDue = TimerEntry.Never;
    private long _sessionDue = TimerEntry.Never;
    private bool _reading = true;
    private bool _hasFrames;                // Its bytes are WebSocket frames, once it is open.
    private int _owed;                      // Answers that are still to be written.
    private Settling? _settling;            // While the connection waits for them to end.

    private protected Connection(EventLoop loop, ConnectionId id)
    {
        Loop = loop;
        Id = id;
        _outbound = new OutboundSide(this);
        _timer = new TimerEntry(this);
    }

    /// <summary>The loop that owns it, for its whole life.</summary>
    public EventLoop Loop { get; }

    /// <summary>Its name.</summary>
    public ConnectionId Id { get; }

    /// <summary>The client's address: the peer's, or of the client behind it if the peer is a proxy that is believed.</summary>
    public abstract IPEndPoint Remote { get; }

    /// <summary>The endpoint it was opened on; none while it is handshaking.</summary>
    public ConnectionEndpoint? Endpoint { get; private protected set; }

    /// <summary>The subprotocol that was chosen, if any.</summary>
    public string? Subprotocol { get; private protected set; }

    /// <summary>What it holds among the connections of its address, if anything; returned with its end.</summary>
    internal IDisposable? AddressPlace { get; set; }

    /// <summary>Where messages of the client go that come in requests of their own; null where all of them come in its bytes.</summary>
    public virtual MessageInbox? Inbox => null;

    /// <summary>The compression that was agreed on, if any: what it wants of a message for many.</summary>
    public MessageDeflate? Deflate { get; private set; }

    /// <summary>How it ended; none while it is open.</summary>
    public Closure? Closure => _closure;

    /// <summary>Whether messages can still be sent.</summary>
    public bool IsOpen => State == ConnectionState.Open;

    /// <summary>Bytes that wait for the client.</summary>
    public int QueuedBytes => _outbound.QueuedBytes;

    /// <summary>
    /// Whether the socket has refused bytes: a turn comes when it takes more. What else is queued leaves with the turn that queued it.
    /// </summary>
    public bool IsBlocked => _outbound.IsBlocked;

    internal ConnectionState State { get; private protected set; }

    private protected OutboundSide Outbound => _outbound;

    private protected FrameEngine? Engine { get; set; }

    private protected bool WantsRead => State switch
    {
        ConnectionState.Open => _reading && _handler is not null,
        ConnectionState.Closed => false,
        _ => true,
    };

    /// <summary>Whether it carries plain bytes for an <see cref="IByteHandler"/>, and no WebSocket.</summary>
    internal bool IsByteConnection => _handler is IByteHandler;

    /// <summary>Makes it a connection of plain bytes, which is open from now on.</summary>
    internal void OpenBytes(IByteHandler handler)
    {
        _handler = handler;
        State = ConnectionState.Open;
        ClearTransportDue();
        Loop.CountByteConnection();
    }

    /// <summary>Of plain bytes: what is queued leaves, then our side ends; what still comes is discarded.</summary>
    public void EndAfterFlush(string reason)
    {
        if (State != ConnectionState.Open) return;
        Leave(ConnectionState.Lingering, new Closure(ClosureCause.ClosedByServer, CloseCode.Abnormal, reason));
        FinishIfFlushed();
    }

    /// <summary>Queues bytes, whole frames, to leave at the end of this turn of the loop. Copies them.</summary>
    public void Write(ReadOnlySpan<byte> frames) => _outbound.Write(frames);

    /// <summary>Queues a reference to shared bytes, whole frames, to leave at the end of this turn of the loop.</summary>
    /// <param name="frames">Held by the queue until they have left.</param>
    /// <param name="start">Where the frames begin in the bytes.</param>
    public void Write(SharedBytes frames, int start) => _outbound.Write(frames, start);

    /// <summary>
    /// Sends shared bytes, whole frames: at once if nothing waits before them, else in their turn. For one batch to many.
    /// </summary>
    /// <param name="frames">Held by the queue until they have left, if they do not leave at once.</param>
    /// <param name="start">Where the frames begin in the bytes.</param>
    public void Send(SharedBytes frames, int start) => _outbound.Send(frames, start);

    /// <summary>The turn ends: what was queued leaves.</summary>
    internal void FlushAtEndOfTurn() => _outbound.FlushAtEndOfTurn();

    /// <summary>Puts a handler above the connection and starts reading.</summary>
    /// <remarks>If it ended meanwhile, the handler is told so at once.</remarks>
    public void Attach(IConnectionHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        if (_handler is not null) throw new InvalidOperationException("The connection has a handler already.");
        _handler = handler;
        if (_closure is not null) handler.OnEnded(_closure);
        else OnAttached();
    }

    /// <summary>
    /// The client has asked to connect: from the next message on, in the same read already, its messages may be as long as the endpoint's
    /// may.
    /// </summary>
    public void Admit()
    {
        Engine?.Resize(Endpoint!.Engine);
        _turn?.Resized();
    }

    /// <summary>Reads no more until <see cref="ResumeReading"/>, so that the client feels the server's load.</summary>
    public void PauseReading() => _reading = false;

    /// <summary>Reads again.</summary>
    public void ResumeReading()
    {
        if (_reading) return;
        _reading = true;
        if (!_outbound.IsOverReadMark) OnReadingChanged();
    }

    /// <summary>Calls the handler's <see cref="IConnectionHandler.OnDeadline"/> after this time; replaces the one set before.</summary>
    public void SetDeadline(TimeSpan after)
    {
        _sessionDue = State == ConnectionState.Open ? Loop.NowMilliseconds + (long)after.TotalMilliseconds : TimerEntry.Never;
        ScheduleTimer();
    }

    /// <summary>Starts the closing handshake: what is queued leaves, then a Close frame; the client has a limit to answer.</summary>
    public void Close(CloseCode code, string reason) => Close(ClosureCause.ClosedByServer, code, reason);

    /// <summary>The same, because the client has sent bye in its own protocol: 1000, and it is the client that has closed.</summary>
    public void CloseByClient(string reason) => Close(ClosureCause.ClosedByClient, CloseCode.Normal, reason);

    /// <summary>One more answer is to be written before the connection may end by itself.</summary>
    public void Owe() => _owed++;

    /// <summary>One of them has been written, or will not be.</summary>
    public void Settle()
    {
        // The answer may still stand in a frame in the making.
        if (--_owed <= 0 && _settling is not null) Loop.AtTurnEnd(() => EndSettling(isLate: false));
    }

    /// <summary>Whether it ends as soon as what was asked is answered: nothing new is begun.</summary>
    public bool IsSettling => _settling is not null;

    /// <summary>Ends the connection once every answer that is owed has been written, at once if none is.</summary>
    /// <param name="end">Ends it. Ignored if something else waits for that already.</param>
    /// <param name="limit">How long the answers may take.</param>
    public void WhenSettled(Action end, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(end);
        if (_settling is not null) return;
        if (_owed <= 0 || State != ConnectionState.Open)
        {
            end();
            return;
        }

        var late = new LoopTimer(Loop, () => Loop.AtTurnEnd(() => EndSettling(isLate: true)));
        _settling = new Settling(end, late);
        late.Set(limit);
    }

    private void EndSettling(bool isLate)
    {
        if ((!isLate && _owed > 0) || _settling is not { } settling) return;
        _settling = null;
        settling.Late.Stop();
        settling.End();
    }

    private sealed record Settling(Action End, LoopTimer Late);

    internal void Close(ClosureCause cause, CloseCode code, string reason, string? detail = null)
    {
        if (State != ConnectionState.Open) return;

        // The client's Close, or the answer to its violation, stands in the turn already: that is the cause.
        if (_turn is { Outcome: not TurnOutcome.Open }) return;
        if (cause != ClosureCause.ClosedByClient) QueueClosingMessage(code, reason);
        if (_turn is { } turn)
        {
            // Inside a turn the Close frame stands behind the turn's replies.
            turn.Close(code, reason);
        }
        else
        {
            if (_hasFrames) _outbound.Queue(FrameWriter.Close(code, reason));
            Engine!.CloseSent();
        }

        Leave(_hasFrames ? ConnectionState.Closing : ConnectionState.Lingering, new Closure(cause, code, detail ?? reason));
        if (!_hasFrames) FinishIfFlushed();
    }

    private void QueueClosingMessage(CloseCode code, string reason)
    {
        if (Endpoint!.ClosingMessage is { } write && write(Subprotocol, code, reason) is { IsEmpty: false } message)
            _outbound.Queue(message.Span);
    }

    /// <summary>Ends the connection at once: no Close frame, nothing more leaves.</summary>
    public void Abort(ClosureCause cause, string reason)
    {
        if (State == ConnectionState.Closed) return;
        End(new Closure(cause, CloseCode.Abnormal, reason));
    }

    /// <summary>The loop stops, and the connection is not open: one that is still handshaking is refused.</summary>
    internal virtual void Reject()
    {
    }

    /// <summary>One read of an open or closing connection, with its replies.</summary>
    private protected void Receive(Turn turn, byte[] buffer, int start, int length)
    {
        Loop.Counters.Add(LoopCount.BytesReceived, length);
        if (Engine is null)
        {
            ReceiveBytes(buffer.AsSpan(start, length));
            return;
        }

        turn.Begin(Engine, buffer, start, length);
        _turn = turn;
        try
        {
            if (State == ConnectionState.Open) Deliver(turn);

            // A handler takes every message, but a connection that closed meanwhile, or a handler that failed, does not.
            while (turn.TryRead(out _)) { }
            Answer(turn);
        }
        catch (Exception failure)
        {
            Loop.Report(failure);
            Abort(ClosureCause.SessionFailed, failure.Message);
        }
        finally
        {
            _turn = null;
            turn.End();
        }
    }

    private void ReceiveBytes(ReadOnlySpan<byte> bytes)
    {
        try
        {
            ((IByteHandler)_handler!).OnBytes(bytes);
        }
        catch (Exception failure)
        {
            Loop.Report(failure);
            Abort(ClosureCause.SessionFailed, failure.Message);
        }
    }

    // The turn goes on after a handler that failed: its replies so far leave, and the Close frame behind them.
    private void Deliver(Turn turn)
    {
        try
        {
            _handler!.OnReceived(turn);
        }
        catch (Exception failure)
        {
            FailSession(failure);
        }
    }

    private void FailSession(Exception failure)
    {
        Loop.Report(failure);
        if (IsByteConnection) Abort(ClosureCause.SessionFailed, failure.Message);
        else Close(ClosureCause.SessionFailed, CloseCode.InternalError, "The session failed.");
    }

    private void Answer(Turn turn)
    {
        if (State == ConnectionState.Closed) return;
        if (_hasFrames && !turn.Output.IsEmpty) _outbound.WriteThrough(turn.Output.Span);
        switch (turn.Outcome)
        {
            case TurnOutcome.PeerClosed:
                Leave(ConnectionState.Lingering, new Closure(ClosureCause.ClosedByClient, turn.PeerClose.Code, turn.PeerClose.Reason));
                FinishIfFlushed();
                break;
            case TurnOutcome.Violated:
                if (!_hasFrames && State == ConnectionState.Open) QueueClosingMessage(turn.Violation!.Code, turn.Violation.Reason);
                Leave(ConnectionState.Lingering, new Closure(ClosureCause.Violation, turn.Violation!.Code, turn.Violation.Reason));
                FinishIfFlushed();
                break;
            default:
                break;
        }
    }

    // What has begun to leave is finished, so that the Close frame behind it can still be understood.
    internal void OnTooSlow(string detail)
    {
        if (IsByteConnection)
        {
            Abort(ClosureCause.SlowReader, detail);
            return;
        }

        _outbound.DropUnbegun();
        Close(ClosureCause.SlowReader, Endpoint!.SlowCode, Endpoint.SlowReason, detail);
    }

    private protected void SetOpen(FrameEngine engine, ConnectionEndpoint endpoint, string? subprotocol, ReadOnlySpan<byte> response)
    {
        State = ConnectionState.Open;
        Engine = engine;
        Deflate = engine.Deflate;
        Endpoint = endpoint;
        _hasFrames = endpoint.HasFrames;
        Subprotocol = subprotocol;
        ClearTransportDue();
        _outbound.QueueFirst(response);
    }

    // From Open (or further on) to a later stage; the first departure is the one that counts.
    private protected void Leave(ConnectionState to, Closure closure)
    {
        if (State >= to) return;
        bool first = _closure is null;
        State = to;
        _sessionDue = TimerEntry.Never;
        if (first) SetTransportDue(Loop.Settings.CloseLimit);

        // From now on the client is read whatever the session wants and holds: its Close and its end are awaited.
        OnReadingChanged();
        if (first) Announce(closure);
    }

    private void Announce(Closure closure)
    {
        _closure = closure;
        try
        {
            _handler?.OnEnded(closure);
        }
        catch (Exception failure)
        {
            Loop.Report(failure);
        }

        OnAnnounced(closure);
    }

    internal void OnFlushed() => FinishIfFlushed();

    private protected void FinishIfFlushed()
    {
        if (State != ConnectionState.Lingering || _outbound.HasQueued) return;
        if (IsSending) AwaitSend();
        else ShutdownSend();
    }

    /// <summary>The socket is done with: everything is returned, and a handler that does not know yet is notified.</summary>
    private protected void End(Closure closure)
    {
        if (State == ConnectionState.Closed) return;
        State = ConnectionState.Closed;
        _transportDue = _sessionDue = TimerEntry.Never;
        Loop.Timers.Cancel(_timer);
        _settling?.Late.Stop();
        _settling = null;
        _outbound.DropQueue();
        Engine?.Drop();

        // The end is told while the address can still be asked for.
        if (_closure is null) Announce(closure);
        AddressPlace?.Dispose();
        AddressPlace = null;
        CloseSocket();
    }

    /// <summary>The peer ended its side.</summary>
    private protected void OnEndOfStream() =>
        End(new Closure(ClosureCause.EndOfStream, CloseCode.Abnormal, "The client ended the stream without a Close frame."));

    private protected void OnSocketFailed(string error) => End(new Closure(ClosureCause.SocketError, CloseCode.Abnormal, error));

    internal void LimitBlocking()
    {
        if (State == ConnectionState.Open) SetTransportDue(BlockedLimit);
    }

    private TimeSpan BlockedLimit => _handler is IByteHandler handler ? handler.BlockedLimit : Loop.Settings.BlockedLimit;

    internal bool MayQueueMore => _handler is IByteHandler handler && QueuedBytes <= handler.QueueBytesMax;

    internal bool IgnoresReadMark => IsByteConnection;

    internal void EndLimitOfBlocking()
    {
        if (State == ConnectionState.Open) ClearTransportDue();
    }

    private protected void SetTransportDue(TimeSpan after)
    {
        _transportDue = Loop.NowMilliseconds + (long)after.TotalMilliseconds;
        ScheduleTimer();
    }

    private void ClearTransportDue()
    {
        _transportDue = TimerEntry.Never;
        ScheduleTimer();
    }

    private void ScheduleTimer()
    {
        Loop.Timers.Schedule(_timer, Math.Min(_transportDue, _sessionDue));
    }

    void ITimerOwner.OnDue(long nowMilliseconds)
    {
        if (_transportDue <= nowMilliseconds)
        {
            _transportDue = TimerEntry.Never;
            switch (State)
            {
                case ConnectionState.Handshaking: OnHandshakeLate(); break;
                case ConnectionState.Open: OnTooSlow($"the client took nothing for {BlockedLimit.TotalSeconds} s"); break;
                default: End(_closure!); break;
            }
        }

        if (_sessionDue <= nowMilliseconds)
        {
            _sessionDue = TimerEntry.Never;
            try
            {
                _handler?.OnDeadline();
            }
            catch (Exception failure)
            {
                FailSession(failure);
            }
        }

        if (State != ConnectionState.Closed) ScheduleTimer();
    }

    /// <summary>Whether the backend has bytes on their way that it counted as sent: none may pass them.</summary>
    internal virtual bool IsSending => false;

    /// <summary>Something waits for those bytes: <see cref="OutboundSide.ContinueAfterSend"/> has to be called.</summary>
    internal virtual void AwaitSend()
    {
    }

    /// <summary>Sends what the socket takes without blocking.</summary>
    /// <returns>Bytes taken, 0 if it takes none now, -1 if it failed and the connection has ended.</returns>
    internal abstract int TrySend(ReadOnlySpan<byte> bytes);

    /// <summary>Sends from the front of a queue, gathering several segments in one call.</summary>
    internal abstract int TrySend(in OutboundQueue queue);

    /// <summary>The same for a queue that the socket has not refused yet.</summary>
    internal virtual int TrySendFirst(in OutboundQueue queue) => TrySend(in queue);

    /// <summary>Sends shared bytes, which the backend may hold.</summary>
    internal virtual int TrySend(SharedBytes bytes, int start) => TrySend(bytes.Array.AsSpan(start, bytes.Length - start));

    /// <summary>Sends the replies of the turn at hand.</summary>
    internal virtual int TrySendReplies(ReadOnlySpan<byte> frames) => TrySend(frames);

    /// <summary>The socket refuses bytes, or takes them again: the backend calls <see cref="OutboundSide.Flush"/> once it does.</summary>
    internal abstract void OnBlockedChanged(bool blocked);

    private protected abstract void OnAttached();

    private protected abstract void OnReadingChanged();

    private protected abstract void OnHandshakeLate();

    private protected abstract void OnAnnounced(Closure closure);

    private protected abstract void ShutdownSend();

    private protected abstract void CloseSocket();
}
