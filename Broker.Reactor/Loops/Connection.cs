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
/// It has what comes in, what leaves and its due times as fields. Only how bytes reach a socket is its heirs': an idle connection is one
/// object, and a send is one virtual call.
/// </remarks>
public abstract class Connection : ITimerOwner
{
    private InboundSide _inbound;
    private OutboundSide _outbound;
    private ConnectionDeadlines _deadlines = new();
    private object? _end;           // Its closure; before that, what waits for the answers that it owes, if something does.
    private readonly int _slot;
    private readonly uint _generation;
    private int _owedAnswers;
    private bool _hasFrames;        // Its bytes are WebSocket frames, once it is open.

    private protected Connection(EventLoop loop, ConnectionId id) => (Loop, _slot, _generation) = (loop, id.Slot, id.Generation);

    /// <summary>The loop that owns it, for its whole life.</summary>
    public EventLoop Loop { get; }

    /// <summary>Its name.</summary>
    public ConnectionId Id => new(_slot, _generation, Loop.Number);

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
    public MessageDeflate? Deflate => Engine?.Deflate;

    /// <summary>How it ended; none while it is open.</summary>
    public Closure? Closure => _end as Closure;

    /// <summary>Whether messages can still be sent.</summary>
    public bool IsOpen => State == ConnectionState.Open;

    /// <summary>Bytes that wait for the client.</summary>
    public int QueuedBytes => _outbound.QueuedBytes;

    /// <summary>
    /// Whether the socket has refused bytes: a turn comes when it takes more. What else is queued leaves with the turn that queued it.
    /// </summary>
    public bool IsBlocked => _outbound.IsBlocked;

    internal ConnectionState State { get; private protected set; }

    private protected ref OutboundSide Outbound => ref _outbound;

    /// <summary>Whether so much waits for the client that its own messages wait too.</summary>
    private protected bool IsOverReadMark => _outbound.IsOverReadMark(this);

    private protected FrameEngine? Engine { get; set; }

    private protected bool WantsRead => State switch
    {
        ConnectionState.Open => _inbound.WantsRead,
        ConnectionState.Closed => false,
        _ => true,
    };

    /// <summary>Whether it carries plain bytes for an <see cref="IByteHandler"/>, and no WebSocket.</summary>
    internal bool IsByteConnection => _inbound.IsOfBytes;

    /// <summary>Makes it a connection of plain bytes, which is open from now on.</summary>
    internal void OpenBytes(IByteHandler handler)
    {
        _inbound.Attach(handler);
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
    public void Write(ReadOnlySpan<byte> frames) => _outbound.Write(this, frames);

    /// <summary>Queues a reference to shared bytes, whole frames, to leave at the end of this turn of the loop.</summary>
    /// <param name="frames">Held by the queue until they have left.</param>
    /// <param name="start">Where the frames begin in the bytes.</param>
    public void Write(SharedBytes frames, int start) => _outbound.Write(this, frames, start);

    /// <summary>
    /// Sends shared bytes, whole frames: at once if nothing waits before them, else in their turn. For one batch to many.
    /// </summary>
    /// <param name="frames">Held by the queue until they have left, if they do not leave at once.</param>
    /// <param name="start">Where the frames begin in the bytes.</param>
    public void Send(SharedBytes frames, int start) => _outbound.Send(this, frames, start);

    /// <summary>The turn ends: what was queued leaves.</summary>
    internal void FlushAtEndOfTurn() => _outbound.FlushAtEndOfTurn(this);

    /// <summary>Puts a handler above the connection and starts reading.</summary>
    /// <remarks>If it ended meanwhile, the handler is told so at once.</remarks>
    public void Attach(IConnectionHandler handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        _inbound.Attach(handler);
        if (Closure is { } closure) handler.OnEnded(closure);
        else OnAttached();
    }

    /// <summary>
    /// The client has asked to connect: from the next message on, in the same read already, its messages may be as long as the endpoint's
    /// may.
    /// </summary>
    public void Admit()
    {
        Engine?.Resize(Endpoint!.Engine);
        _inbound.CurrentTurn(this)?.Resized();
    }

    /// <summary>Reads no more until <see cref="ResumeReading"/>, so that the client feels the server's load.</summary>
    public void PauseReading() => _inbound.Pause();

    /// <summary>Reads again.</summary>
    public void ResumeReading()
    {
        if (_inbound.Resume() && !IsOverReadMark) OnReadingChanged();
    }

    /// <summary>Calls the handler's <see cref="IConnectionHandler.OnDeadline"/> after this time; replaces the one set before.</summary>
    public void SetDeadline(TimeSpan after)
    {
        if (State == ConnectionState.Open) _deadlines.SetSession(Loop.Timers, this, DueIn(after));
    }

    /// <summary>Starts the closing handshake: what is queued leaves, then a Close frame; the client has a limit to answer.</summary>
    public void Close(CloseCode code, string reason) => Close(ClosureCause.ClosedByServer, code, reason);

    /// <summary>The same, because the client has sent bye in its own protocol: 1000, and it is the client that has closed.</summary>
    public void CloseByClient(string reason) => Close(ClosureCause.ClosedByClient, CloseCode.Normal, reason);

    /// <summary>One more answer is to be written before the connection may end by itself.</summary>
    public void Owe() => _owedAnswers++;

    /// <summary>One of them has been written, or will not be.</summary>
    public void Settle()
    {
        if (--_owedAnswers <= 0) (_end as Settling)?.OnSettled();
    }

    /// <summary>Whether it ends as soon as what was asked is answered: nothing new is begun.</summary>
    public bool IsSettling => _end is Settling;

    /// <summary>Ends the connection once every answer that is owed has been written, at once if none is.</summary>
    /// <param name="end">Ends it. Ignored if something else waits for that already.</param>
    /// <param name="limit">How long the answers may take.</param>
    public void WhenSettled(Action end, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(end);
        if (IsSettling) return;
        if (_owedAnswers <= 0 || State != ConnectionState.Open)
        {
            end();
            return;
        }

        var settling = new Settling(Loop.Timers, Loop.AtTurnEnd, () => _owedAnswers > 0, EndSettled);
        _end = settling;
        settling.Start(DueIn(limit));

        void EndSettled()
        {
            _end = null;
            end();
        }
    }

    internal void Close(ClosureCause cause, CloseCode code, string reason, string? detail = null)
    {
        if (State != ConnectionState.Open) return;

        // The client's Close, or the answer to its violation, stands in the turn already: that is the cause.
        if (_inbound.CurrentTurn(this) is { Outcome: not TurnOutcome.Open }) return;
        if (cause != ClosureCause.ClosedByClient) QueueClosingMessage(code, reason);
        if (_inbound.CurrentTurn(this) is { } turn)
        {
            // Inside a turn the Close frame stands behind the turn's replies.
            turn.Close(code, reason);
        }
        else
        {
            if (_hasFrames) _outbound.Queue(this, FrameWriter.Close(code, reason));
            Engine!.CloseSent();
        }

        Leave(_hasFrames ? ConnectionState.Closing : ConnectionState.Lingering, new Closure(cause, code, detail ?? reason));
        if (!_hasFrames) FinishIfFlushed();
    }

    private void QueueClosingMessage(CloseCode code, string reason)
    {
        if (Endpoint!.ClosingMessage is { } write && write(Subprotocol, code, reason) is { IsEmpty: false } message)
            _outbound.Queue(this, message.Span);
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
    private protected void Receive(byte[] buffer, int start, int length) => _inbound.Receive(this, Engine, buffer, start, length);

    /// <summary>The turn's replies leave, and what ended in it ends the connection.</summary>
    internal void Answer(Turn turn)
    {
        if (State == ConnectionState.Closed) return;
        if (_hasFrames && !turn.Output.IsEmpty) _outbound.WriteThrough(this, turn.Output.Span);
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
        Endpoint = endpoint;
        _hasFrames = endpoint.HasFrames;
        Subprotocol = subprotocol;
        ClearTransportDue();
        _outbound.QueueFirst(this, response);
    }

    // From Open (or further on) to a later stage; the first departure is the one that counts.
    private protected void Leave(ConnectionState to, Closure closure)
    {
        if (State >= to) return;
        bool first = Closure is null;
        State = to;
        _deadlines.ClearSession();
        if (first) SetTransportDue(Loop.Settings.CloseLimit);

        // From now on the client is read whatever the session wants and holds: its Close and its end are awaited.
        OnReadingChanged();
        if (first) Announce(closure);
    }

    private void Announce(Closure closure)
    {
        (_end as Settling)?.Stop();
        _end = closure;
        _inbound.OnEnded(this, closure);
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
        _deadlines.Stop(Loop.Timers, this);
        _outbound.DropQueue();
        Engine?.Drop();

        // The end is told while the address can still be asked for.
        if (Closure is null) Announce(closure);
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

    private TimeSpan BlockedLimit => _inbound.BlockedLimit(this);

    internal bool MayQueueMore => _inbound.MayQueueMore(QueuedBytes);

    internal bool IgnoresReadMark => IsByteConnection;

    internal void EndLimitOfBlocking()
    {
        if (State == ConnectionState.Open) ClearTransportDue();
    }

    private protected void SetTransportDue(TimeSpan after) => _deadlines.SetTransport(Loop.Timers, this, DueIn(after));

    private void ClearTransportDue() => _deadlines.SetTransport(Loop.Timers, this, TimerEntry.Never);

    private long DueIn(TimeSpan after) => Loop.NowMilliseconds + (long)after.TotalMilliseconds;

    ref TimerEntry ITimerOwner.Timer => ref _deadlines.Timer;

    void ITimerOwner.OnDue(long nowMilliseconds)
    {
        if (_deadlines.TakeTransport(nowMilliseconds)) OnTransportLate();
        if (_deadlines.TakeSession(nowMilliseconds)) _inbound.OnDeadline(this);
        if (State != ConnectionState.Closed) _deadlines.Schedule(Loop.Timers, this);
    }

    private void OnTransportLate()
    {
        switch (State)
        {
            case ConnectionState.Handshaking: OnHandshakeLate(); break;
            case ConnectionState.Open: OnTooSlow($"the client took nothing for {BlockedLimit.TotalSeconds} s"); break;
            default: End(Closure!); break;
        }
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
