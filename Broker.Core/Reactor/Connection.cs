using System.Net;
using Broker.Core.Buffers;
using Broker.Core.Compression;
using Broker.Core.Framing;

namespace Broker.Core.Reactor;

/// <summary>The stages of a connection's life; it only goes forward.</summary>
internal enum ConnectionState : byte
{
    /// <summary>Reading the upgrade request.</summary>
    Handshaking,

    /// <summary>Messages flow.</summary>
    Open,

    /// <summary>We sent a Close frame; the client's is awaited, and what else it sends is ignored.</summary>
    Closing,

    /// <summary>Nothing more is said; what is queued leaves, then our side ends, and the client's end is awaited.</summary>
    Lingering,

    /// <summary>The socket is gone.</summary>
    Closed,
}

/// <summary>One WebSocket connection of one loop. Every member belongs to the loop's thread.</summary>
/// <remarks>
/// Open --Close frame from us--> Closing --Close frame from the client--> Lingering --both sides ended, or late--> Closed.
/// A violation goes from Open to Lingering; a failed socket goes to Closed at once.
/// </remarks>
public abstract class Connection : Deadline
{
    private const int CopiedBytesMax = 1024;

    private readonly ReactorSettings _settings;
    private OutboundQueue _queue;
    private IConnectionHandler? _handler;
    private Turn? _turn;
    private Closure? _closure;
    private long _transportDue = Never;
    private long _sessionDue = Never;
    private bool _dirty;
    private bool _blocked;
    private bool _reading = true;

    private protected Connection(EventLoop loop, ConnectionId id, ReactorSettings settings)
    {
        Loop = loop;
        Id = id;
        _settings = settings;
    }

    /// <summary>The loop that owns it, for its whole life.</summary>
    public EventLoop Loop { get; }

    /// <summary>Its name.</summary>
    public ConnectionId Id { get; }

    /// <summary>The client's address: the peer's, or of the client behind it if the peer is a proxy that is believed.</summary>
    public abstract IPEndPoint Remote { get; }

    /// <summary>The endpoint it was opened on; none while it is handshaking.</summary>
    public WebSocketEndpoint? Endpoint { get; private protected set; }

    /// <summary>The subprotocol that was chosen, if any.</summary>
    public string? Subprotocol { get; private protected set; }

    /// <summary>The compression that was agreed on, if any: what it wants of a message for many.</summary>
    public MessageDeflate? Deflate { get; private set; }

    /// <summary>Whether messages can still be sent.</summary>
    public bool IsOpen => State == ConnectionState.Open;

    /// <summary>Bytes that wait for the client.</summary>
    public int QueuedBytes => _queue.Bytes;

    /// <summary>How it ended; none while it is open.</summary>
    public Closure? Closure => _closure;

    internal ConnectionState State { get; private protected set; }

    private protected FrameEngine? Engine { get; set; }

    private protected bool WantsRead => State switch
    {
        ConnectionState.Open => _reading && _handler is not null,
        ConnectionState.Closed => false,
        _ => true,
    };

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

    /// <summary>The client has shown who it is: from the next read on its messages may be as long as the endpoint's may.</summary>
    public void LetIn() => Engine?.Resize(Endpoint!.Engine);

    /// <summary>Reads no more until <see cref="ResumeReading"/>, so that the client feels the server's load.</summary>
    public void PauseReading() => _reading = false;

    /// <summary>Reads again.</summary>
    public void ResumeReading()
    {
        if (_reading) return;
        _reading = true;
        if (!IsOverReadMark) OnReadingChanged();
    }

    /// <summary>Calls the handler's <see cref="IConnectionHandler.OnDeadline"/> after this time; replaces the one set before.</summary>
    public void SetDeadline(TimeSpan after)
    {
        _sessionDue = State == ConnectionState.Open ? Loop.NowMilliseconds + (long)after.TotalMilliseconds : Never;
        ArmDeadlines();
    }

    /// <summary>Queues bytes, whole frames, to leave at the end of this turn of the loop. Copies them.</summary>
    public void Write(ReadOnlySpan<byte> frames)
    {
        if (!MayQueue()) return;
        _queue.Append(frames, Loop.Pool);
        MarkDirty();
    }

    /// <summary>Queues a reference to shared bytes, whole frames, to leave at the end of this turn of the loop.</summary>
    /// <param name="frames">Held by the queue until they have left.</param>
    /// <param name="start">Where the frames begin in the bytes.</param>
    public void Write(SharedBytes frames, int start)
    {
        ArgumentNullException.ThrowIfNull(frames);
        if (!MayQueue()) return;

        // In a backlog, a few bytes that nobody shares are copied behind each other: a reply of 20 bytes would hold a buffer
        // of 256, and a client that asks and does not read would hold ten times what it is counted for.
        if (!_queue.IsEmpty && frames.IsPrivate && frames.Length - start <= CopiedBytesMax) _queue.Append(frames.Array.AsSpan(start, frames.Length - start), Loop.Pool);
        else _queue.Append(frames, start);
        MarkDirty();
    }

    /// <summary>
    /// Sends shared bytes, whole frames: at once if nothing waits before them, else in their turn. For one batch to many.
    /// </summary>
    /// <param name="frames">Held by the queue until they have left, if they do not leave at once.</param>
    /// <param name="start">Where the frames begin in the bytes.</param>
    public void Send(SharedBytes frames, int start)
    {
        ArgumentNullException.ThrowIfNull(frames);
        if (!_queue.IsEmpty || IsSending)
        {
            Write(frames, start);
            return;
        }

        if (State != ConnectionState.Open) return;
        int sent = TrySend(frames, start);
        if (sent == frames.Length - start || sent < 0) return;
        _queue.Append(frames, start + sent);
        if (sent > 0) _queue.KeepFirst();
        Block();
    }

    /// <summary>Starts the closing handshake: what is queued leaves, then a Close frame; the client has a limit to answer.</summary>
    public void Close(CloseCode code, string reason) => Close(ClosureCause.ClosedByServer, code, reason);

    internal void Close(ClosureCause cause, CloseCode code, string reason, string? detail = null)
    {
        if (State != ConnectionState.Open) return;
        if (_turn is { } turn)
        {
            // The client's Close, or the answer to its violation, stands in the turn already: that is the cause.
            if (turn.Outcome != TurnOutcome.Open) return;

            // Inside a turn the Close frame stands behind the turn's replies.
            turn.Close(code, reason);
        }
        else
        {
            _queue.Append(FrameWriter.Close(code, reason), Loop.Pool);
            Engine!.CloseSent();
            MarkDirty();
        }

        Leave(ConnectionState.Closing, new Closure(cause, code, detail ?? reason));
    }

    /// <summary>Ends the connection at once: no Close frame, nothing more leaves.</summary>
    public void Abort(ClosureCause cause, string reason)
    {
        if (State == ConnectionState.Closed) return;
        End(new Closure(cause, CloseCode.Abnormal, reason));
    }

    /// <summary>The loop stops, and the connection is not open: one that is still handshaking is refused.</summary>
    internal virtual void TurnAway()
    {
    }

    /// <summary>One read of an open or closing connection, with its replies.</summary>
    private protected void Receive(Turn turn, byte[] buffer, int start, int length)
    {
        turn.Begin(Engine!, buffer, start, length);
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
        Close(ClosureCause.SessionFailed, CloseCode.InternalError, "The session failed.");
    }

    private void Answer(Turn turn)
    {
        if (State == ConnectionState.Closed) return;
        if (!turn.Output.IsEmpty) WriteThrough(turn.Output.Span);
        switch (turn.Outcome)
        {
            case TurnOutcome.PeerClosed:
                Leave(ConnectionState.Lingering, new Closure(ClosureCause.ClosedByClient, turn.PeerClose.Code, turn.PeerClose.Reason));
                FinishIfFlushed();
                break;
            case TurnOutcome.Violated:
                Leave(ConnectionState.Lingering, new Closure(ClosureCause.Violation, turn.Violation!.Code, turn.Violation.Reason));
                FinishIfFlushed();
                break;
            default:
                break;
        }
    }

    // The replies of a turn: straight to the socket if nothing waits before them.
    private void WriteThrough(ReadOnlySpan<byte> frames)
    {
        if (_queue.IsEmpty && !IsSending)
        {
            int sent = TrySendReplies(frames);
            if (sent == frames.Length || sent < 0) return;
            _queue.Append(frames[sent..], Loop.Pool);
            if (sent > 0) _queue.KeepFirst();
            Block();
            return;
        }

        _queue.Append(frames, Loop.Pool);
        MarkDirty();
    }

    private void MarkDirty()
    {
        if (_dirty || _blocked) return;
        _dirty = true;
        Loop.MarkDirty(this);
    }

    internal void FlushAtEndOfTurn()
    {
        _dirty = false;
        if (State != ConnectionState.Closed && !_blocked) Flush();
    }

    /// <summary>Writes what the socket takes of the queue.</summary>
    private protected void Flush()
    {
        if (IsSending)
        {
            AwaitSend();
            return;
        }

        bool moved = false;
        while (!_queue.IsEmpty && !IsSending)
        {
            int waiting = _queue.Bytes;
            int sent = _blocked ? TrySend(in _queue) : TrySendFirst(in _queue);
            if (sent < 0) return;
            if (sent > 0) moved = true;
            _queue.Advance(sent);
            if (sent < waiting)
            {
                // A gathered write takes a bounded number of segments; what stopped it may be that bound.
                if (sent > 0 && !_queue.IsEmpty && sent == LastOffered) continue;
                Block();
                if (moved) RefreshBlockedLimit();
                return;
            }
        }

        if (_blocked) Unblock();
        if (!_queue.IsEmpty) AwaitSend();
        else FinishIfFlushed();
    }

    /// <summary>How many bytes the last gathered write offered to the socket.</summary>
    private protected int LastOffered { get; set; }

    private void Block()
    {
        if (_blocked) return;
        _blocked = true;
        RefreshBlockedLimit();
        OnBlockedChanged(blocked: true);
    }

    private void RefreshBlockedLimit()
    {
        if (State == ConnectionState.Open) SetTransportDue(_settings.BlockedLimit);
    }

    private void Unblock()
    {
        _blocked = false;
        if (State == ConnectionState.Open) ClearTransportDue();
        OnBlockedChanged(blocked: false);
    }

    /// <summary>Whether so much waits for the client that its own messages wait too.</summary>
    private protected bool IsOverReadMark => _blocked && _queue.Bytes > _settings.QueueBytesMax / 4;

    // The bound is looked at before bytes are added, so a queue holds at most the bound and one message more: a single
    // message larger than the bound still arrives.
    private bool MayQueue()
    {
        if (State != ConnectionState.Open) return false;
        if (_queue.Bytes <= _settings.QueueBytesMax) return true;
        CloseSlow($"{_queue.Bytes} bytes wait for the client, the limit is {_settings.QueueBytesMax}");
        return false;
    }

    // What has begun to leave is finished, so that the Close frame behind it can still be understood.
    private void CloseSlow(string detail)
    {
        _queue.DropUnbegun();
        Close(ClosureCause.SlowReader, Endpoint!.SlowCode, Endpoint.SlowReason, detail);
    }

    private protected void SetOpen(FrameEngine engine, WebSocketEndpoint endpoint, string? subprotocol, ReadOnlySpan<byte> response)
    {
        State = ConnectionState.Open;
        Engine = engine;
        Deflate = engine.Deflate;
        Endpoint = endpoint;
        Subprotocol = subprotocol;
        ClearTransportDue();

        // Before all frames, whatever becomes of those.
        _queue.Append(response, Loop.Pool);
        _queue.KeepFirst();
        MarkDirty();
    }

    // From Open (or further on) to a later stage; the first departure is the one that counts.
    private protected void Leave(ConnectionState to, Closure closure)
    {
        if (State >= to) return;
        bool first = _closure is null;
        State = to;
        _sessionDue = Never;
        if (first) SetTransportDue(_settings.CloseLimit);

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

    private protected void FinishIfFlushed()
    {
        if (State != ConnectionState.Lingering || !_queue.IsEmpty) return;
        if (IsSending) AwaitSend();
        else ShutdownSend();
    }

    /// <summary>Whether the backend has bytes on their way that it counted as sent: none may pass them.</summary>
    private protected virtual bool IsSending => false;

    /// <summary>Something waits for those bytes: <see cref="ContinueAfterSend"/> has to be called.</summary>
    private protected virtual void AwaitSend()
    {
    }

    /// <summary>Whether the socket has refused bytes: a turn comes when it takes more. What else is queued leaves with the turn that queued it.</summary>
    public bool IsBlocked => _blocked;

    /// <summary>What was on its way has left.</summary>
    private protected void ContinueAfterSend()
    {
        if (_queue.IsEmpty) FinishIfFlushed();
        else if (!_blocked) Flush();
    }

    /// <summary>The socket did not take all of what was on its way.</summary>
    /// <param name="rest">The queue's from now on.</param>
    /// <param name="start">Where in it the bytes begin that have not left.</param>
    private protected void KeepUnsent(SharedBytes rest, int start)
    {
        _queue.Prepend(rest, start);
        _queue.KeepFirst();
        Block();
    }

    /// <summary>The socket is done with: everything is given back, and whoever has not heard is told.</summary>
    private protected void End(Closure closure)
    {
        if (State == ConnectionState.Closed) return;
        State = ConnectionState.Closed;
        _transportDue = _sessionDue = Never;
        DueMilliseconds = Never;
        Loop.Timers.TakeOff(this);
        _queue.Clear();
        Engine?.Drop();

        // The end is told while the address can still be asked for.
        if (_closure is null) Announce(closure);
        CloseSocket();
    }

    /// <summary>The peer ended its side.</summary>
    private protected void OnEndOfStream() => End(new Closure(ClosureCause.EndOfStream, CloseCode.Abnormal, "The client ended the stream without a Close frame."));

    private protected void OnSocketFailed(string error) => End(new Closure(ClosureCause.SocketError, CloseCode.Abnormal, error));

    private protected void SetTransportDue(TimeSpan after)
    {
        _transportDue = Loop.NowMilliseconds + (long)after.TotalMilliseconds;
        ArmDeadlines();
    }

    private void ClearTransportDue()
    {
        _transportDue = Never;
        ArmDeadlines();
    }

    private void ArmDeadlines()
    {
        DueMilliseconds = Math.Min(_transportDue, _sessionDue);
        Loop.Timers.Arm(this, DueMilliseconds);
    }

    internal sealed override void OnDue(long nowMilliseconds)
    {
        if (_transportDue <= nowMilliseconds)
        {
            _transportDue = Never;
            switch (State)
            {
                case ConnectionState.Handshaking: OnHandshakeLate(); break;
                case ConnectionState.Open: CloseSlow($"the client took nothing for {_settings.BlockedLimit.TotalSeconds} s"); break;
                default: End(_closure!); break;
            }
        }

        if (_sessionDue <= nowMilliseconds)
        {
            _sessionDue = Never;
            try
            {
                _handler?.OnDeadline();
            }
            catch (Exception failure)
            {
                FailSession(failure);
            }
        }

        if (State != ConnectionState.Closed) ArmDeadlines();
    }

    /// <summary>Sends what the socket takes without blocking.</summary>
    /// <returns>Bytes taken, 0 if it takes none now, -1 if it failed and the connection has ended.</returns>
    private protected abstract int TrySend(ReadOnlySpan<byte> bytes);

    /// <summary>Sends from the front of a queue, gathering several segments in one call.</summary>
    private protected abstract int TrySend(in OutboundQueue queue);

    /// <summary>The same for a queue that the socket has not refused yet.</summary>
    private protected virtual int TrySendFirst(in OutboundQueue queue) => TrySend(in queue);

    /// <summary>Sends shared bytes, which the backend may hold.</summary>
    private protected virtual int TrySend(SharedBytes bytes, int start) => TrySend(bytes.Array.AsSpan(start, bytes.Length - start));

    /// <summary>Sends the replies of the turn at hand.</summary>
    private protected virtual int TrySendReplies(ReadOnlySpan<byte> frames) => TrySend(frames);

    private protected abstract void OnAttached();

    private protected abstract void OnReadingChanged();

    private protected abstract void OnBlockedChanged(bool blocked);

    private protected abstract void OnHandshakeLate();

    private protected abstract void OnAnnounced(Closure closure);

    private protected abstract void ShutdownSend();

    private protected abstract void CloseSocket();
}
