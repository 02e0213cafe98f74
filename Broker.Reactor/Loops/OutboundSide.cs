using Broker.Core.Buffers;

namespace Broker.Reactor.Loops;

/// <summary>
/// What leaves through one connection: at once where nothing waits before it, else at the end of the turn; and held, within a
/// bound in bytes and in time, while the socket takes no more.
/// </summary>
/// <remarks>
/// For the loop's thread. How bytes reach a socket is the backend's, below; what a stage of life allows is the connection's.
/// </remarks>
public abstract class OutboundSide : TimerEntry
{
    private const int CopiedBytesMax = 1024;

    private OutboundQueue _queue;
    private bool _dirty;        // It is flushed when the turn ends.
    private bool _blocked;

    private protected OutboundSide(EventLoop loop) => Loop = loop;

    /// <summary>The loop that owns it, for its whole life.</summary>
    public EventLoop Loop { get; }

    /// <summary>Whether messages can still be sent.</summary>
    public bool IsOpen => State == ConnectionState.Open;

    /// <summary>Bytes that wait for the client.</summary>
    public int QueuedBytes => _queue.Bytes;

    /// <summary>
    /// Whether the socket has refused bytes: a turn comes when it takes more. What else is queued leaves with the turn that queued it.
    /// </summary>
    public bool IsBlocked => _blocked;

    internal ConnectionState State { get; private protected set; }

    /// <summary>Whether so much waits for the client that its own messages wait too.</summary>
    private protected bool IsOverReadMark => _blocked && _queue.Bytes > Loop.Settings.QueueBytesMax / 4;

    private protected bool HasQueued => !_queue.IsEmpty;

    /// <summary>Queues bytes, whole frames, to leave at the end of this turn of the loop. Copies them.</summary>
    public void Write(ReadOnlySpan<byte> frames)
    {
        if (MayQueue()) Queue(frames);
    }

    /// <summary>Queues a reference to shared bytes, whole frames, to leave at the end of this turn of the loop.</summary>
    /// <param name="frames">Held by the queue until they have left.</param>
    /// <param name="start">Where the frames begin in the bytes.</param>
    public void Write(SharedBytes frames, int start)
    {
        ArgumentNullException.ThrowIfNull(frames);
        if (!MayQueue()) return;

        // In a backlog, a few bytes that nothing shares are copied behind each other: a reply of 20 bytes would hold a buffer
        // of 256, and a client that asks and does not read would hold ten times what it is counted for.
        if (!_queue.IsEmpty && frames.IsPrivate && frames.Length - start <= CopiedBytesMax)
            _queue.Append(frames.Array.AsSpan(start, frames.Length - start), Loop.Pool);
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
        int sent = Counted(TrySend(frames, start));
        if (sent == frames.Length - start || sent < 0) return;
        _queue.Append(frames, start + sent);
        if (sent > 0) _queue.KeepFirst();
        Block();
    }

    /// <summary>Ends the connection at once: no Close frame, nothing more leaves.</summary>
    public abstract void Abort(ClosureCause cause, string reason);

    // The bound is looked at before bytes are added, so a queue holds at most the bound and one message more: a single
    // message larger than the bound still arrives.
    private bool MayQueue()
    {
        if (State != ConnectionState.Open) return false;
        if (_queue.Bytes <= Loop.Settings.QueueBytesMax) return true;
        OnTooSlow($"{_queue.Bytes} bytes wait for the client, the limit is {Loop.Settings.QueueBytesMax}");
        return false;
    }

    /// <summary>Queues bytes that count against no bound: the last word of a connection.</summary>
    private protected void Queue(ReadOnlySpan<byte> frames)
    {
        _queue.Append(frames, Loop.Pool);
        MarkDirty();
    }

    /// <summary>Queues what leaves before everything else, whatever becomes of that.</summary>
    private protected void QueueFirst(ReadOnlySpan<byte> bytes)
    {
        _queue.Append(bytes, Loop.Pool);
        _queue.KeepFirst();
        MarkDirty();
    }

    /// <summary>The replies of a turn: straight to the socket if nothing waits before them.</summary>
    private protected void WriteThrough(ReadOnlySpan<byte> frames)
    {
        if (!_queue.IsEmpty || IsSending)
        {
            Queue(frames);
            return;
        }

        int sent = Counted(TrySendReplies(frames));
        if (sent == frames.Length || sent < 0) return;
        _queue.Append(frames[sent..], Loop.Pool);
        if (sent > 0) _queue.KeepFirst();
        Block();
    }

    /// <summary>Drops what waits, but for what has begun to leave: whatever is behind it can still be understood then.</summary>
    private protected void DropUnbegun() => _queue.DropUnbegun();

    /// <summary>Drops all that waits.</summary>
    private protected void DropQueue() => _queue.Clear();

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
            int sent = Counted(_blocked ? TrySend(in _queue) : TrySendFirst(in _queue));
            if (sent < 0) return;
            if (sent > 0) moved = true;
            _queue.Advance(sent);
            if (sent < waiting)
            {
                // A gathered write takes a bounded number of segments; what stopped it may be that bound.
                if (sent > 0 && !_queue.IsEmpty && sent == LastOffered) continue;
                Block();
                if (moved) LimitBlocking();
                return;
            }
        }

        if (_blocked) Unblock();
        if (!_queue.IsEmpty) AwaitSend();
        else OnFlushed();
    }

    private int Counted(int sent)
    {
        if (sent > 0) Loop.Counters.AddBytesSent(sent);
        return sent;
    }

    private void Block()
    {
        if (_blocked) return;
        _blocked = true;
        LimitBlocking();
        OnBlockedChanged(blocked: true);
    }

    private void Unblock()
    {
        _blocked = false;
        EndLimitOfBlocking();
        OnBlockedChanged(blocked: false);
    }

    /// <summary>What was on its way has left.</summary>
    private protected void ContinueAfterSend()
    {
        if (_queue.IsEmpty) OnFlushed();
        else if (!_blocked) Flush();
    }

    /// <summary>The socket did not take all of what was on its way.</summary>
    /// <param name="rest">The queue's from now on.</param>
    /// <param name="start">Where in it the bytes begin that have not left.</param>
    private protected void KeepUnsent(SharedBytes rest, int start)
    {
        Loop.Counters.RepeatBytes(rest.Length - start);
        _queue.Prepend(rest, start);
        _queue.KeepFirst();
        Block();
    }

    /// <summary>More waits than may: the client is too slow.</summary>
    private protected abstract void OnTooSlow(string detail);

    /// <summary>Nothing is queued any more.</summary>
    private protected abstract void OnFlushed();

    /// <summary>From now on the socket may take nothing for so long, and no longer.</summary>
    private protected abstract void LimitBlocking();

    /// <summary>The socket takes bytes again.</summary>
    private protected abstract void EndLimitOfBlocking();

    /// <summary>Whether the backend has bytes on their way that it counted as sent: none may pass them.</summary>
    private protected virtual bool IsSending => false;

    /// <summary>Something waits for those bytes: <see cref="ContinueAfterSend"/> has to be called.</summary>
    private protected virtual void AwaitSend()
    {
    }

    /// <summary>How many bytes the last gathered write offered to the socket.</summary>
    private protected int LastOffered { get; set; }

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

    /// <summary>The socket refuses bytes, or takes them again: the backend calls <see cref="Flush"/> once it does.</summary>
    private protected abstract void OnBlockedChanged(bool blocked);
}
