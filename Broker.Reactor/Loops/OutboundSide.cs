using Broker.Core.Buffers;

namespace Broker.Reactor.Loops;

/// <summary>
/// What leaves through one connection: at once where nothing waits before it, else at the end of the turn; and held, within a
/// bound in bytes and in time, while the socket takes no more.
/// </summary>
/// <remarks>
/// For the loop's thread. How bytes reach a socket is the backend's; what a stage of life allows is the connection's. A field of the
/// connection and no object, because most connections are idle: each method is given the connection whose field it is.
/// </remarks>
internal struct OutboundSide
{
    private const int CopiedBytesMax = 1024;

    private OutboundQueue _queue;
    private bool _dirty;        // It is flushed when the turn ends.
    private bool _blocked;

    /// <summary>Bytes that wait for the client.</summary>
    internal readonly int QueuedBytes => _queue.Bytes;

    /// <summary>
    /// Whether the socket has refused bytes: a turn comes when it takes more. What else is queued leaves with the turn that queued it.
    /// </summary>
    internal readonly bool IsBlocked => _blocked;

    /// <summary>Whether so much waits for the client that its own messages wait too.</summary>
    internal readonly bool IsOverReadMark(Connection connection) =>
        _blocked && _queue.Bytes > connection.Loop.Settings.QueueBytesMax / 4 && !connection.IgnoresReadMark;

    internal readonly bool HasQueued => !_queue.IsEmpty;

    /// <summary>Queues bytes, whole frames, to leave at the end of this turn of the loop. Copies them.</summary>
    internal void Write(Connection connection, ReadOnlySpan<byte> frames)
    {
        if (MayQueue(connection)) Queue(connection, frames);
    }

    /// <summary>Queues a reference to shared bytes, whole frames, to leave at the end of this turn of the loop.</summary>
    /// <param name="connection">Whose field this is.</param>
    /// <param name="frames">Held by the queue until they have left.</param>
    /// <param name="start">Where the frames begin in the bytes.</param>
    internal void Write(Connection connection, SharedBytes frames, int start)
    {
        ArgumentNullException.ThrowIfNull(frames);
        if (!MayQueue(connection)) return;

        // In a backlog, a few bytes that nothing shares are copied behind each other: a reply of 20 bytes would hold a buffer
        // of 256, and a client that asks and does not read would hold ten times what it is counted for.
        if (!_queue.IsEmpty && frames.IsPrivate && frames.Length - start <= CopiedBytesMax)
            _queue.Append(frames.Array.AsSpan(start, frames.Length - start), connection.Loop.Pool);
        else _queue.Append(frames, start);
        MarkDirty(connection);
    }

    /// <summary>
    /// Sends shared bytes, whole frames: at once if nothing waits before them, else in their turn. For one batch to many.
    /// </summary>
    /// <param name="connection">Whose field this is.</param>
    /// <param name="frames">Held by the queue until they have left, if they do not leave at once.</param>
    /// <param name="start">Where the frames begin in the bytes.</param>
    internal void Send(Connection connection, SharedBytes frames, int start)
    {
        ArgumentNullException.ThrowIfNull(frames);
        if (!_queue.IsEmpty || connection.IsSending)
        {
            Write(connection, frames, start);
            return;
        }

        if (connection.State != ConnectionState.Open) return;
        int sent = Counted(connection, connection.TrySend(frames, start));
        if (sent == frames.Length - start || sent < 0) return;
        _queue.Append(frames, start + sent);
        if (sent > 0) _queue.KeepFirst();
        Block(connection);
    }

    // The bound is looked at before bytes are added, so a queue holds at most the bound and one message more: a single
    // message larger than the bound still arrives.
    private bool MayQueue(Connection connection)
    {
        if (connection.State != ConnectionState.Open) return false;
        if (_queue.Bytes <= connection.Loop.Settings.QueueBytesMax || connection.MayQueueMore) return true;
        connection.OnTooSlow($"{_queue.Bytes} bytes wait for the client, the limit is {connection.Loop.Settings.QueueBytesMax}");
        return false;
    }

    /// <summary>Queues bytes that count against no bound: the last word of a connection.</summary>
    internal void Queue(Connection connection, ReadOnlySpan<byte> frames)
    {
        _queue.Append(frames, connection.Loop.Pool);
        MarkDirty(connection);
    }

    /// <summary>Queues what leaves before everything else, whatever becomes of that.</summary>
    internal void QueueFirst(Connection connection, ReadOnlySpan<byte> bytes)
    {
        _queue.Append(bytes, connection.Loop.Pool);
        _queue.KeepFirst();
        MarkDirty(connection);
    }

    /// <summary>The replies of a turn: straight to the socket if nothing waits before them.</summary>
    internal void WriteThrough(Connection connection, ReadOnlySpan<byte> frames)
    {
        if (!_queue.IsEmpty || connection.IsSending)
        {
            Queue(connection, frames);
            return;
        }

        int sent = Counted(connection, connection.TrySendReplies(frames));
        if (sent == frames.Length || sent < 0) return;
        _queue.Append(frames[sent..], connection.Loop.Pool);
        if (sent > 0) _queue.KeepFirst();
        Block(connection);
    }

    /// <summary>Drops what waits, but for what has begun to leave: whatever is behind it can still be understood then.</summary>
    internal void DropUnbegun() => _queue.DropUnbegun();

    /// <summary>How many bytes the last gathered write offered to the socket; set by the backend.</summary>
    internal int LastOffered { get; set; }

    /// <summary>Drops all that waits.</summary>
    internal void DropQueue() => _queue.Clear();

    private void MarkDirty(Connection connection)
    {
        if (_dirty || _blocked) return;
        _dirty = true;
        connection.Loop.MarkDirty(connection);
    }

    /// <summary>The turn ends: what was queued leaves.</summary>
    internal void FlushAtEndOfTurn(Connection connection)
    {
        _dirty = false;
        if (connection.State != ConnectionState.Closed && !_blocked) Flush(connection);
    }

    /// <summary>Writes what the socket takes of the queue.</summary>
    internal void Flush(Connection connection)
    {
        if (connection.IsSending)
        {
            connection.AwaitSend();
            return;
        }

        bool moved = false;
        while (!_queue.IsEmpty && !connection.IsSending)
        {
            int waiting = _queue.Bytes;
            int sent = Counted(connection, _blocked ? connection.TrySend(in _queue) : connection.TrySendFirst(in _queue));
            if (sent < 0) return;
            if (sent > 0) moved = true;
            _queue.Advance(sent);
            if (sent < waiting)
            {
                // A gathered write takes a bounded number of segments; what stopped it may be that bound.
                if (sent > 0 && !_queue.IsEmpty && sent == LastOffered) continue;
                Block(connection);
                if (moved) connection.LimitBlocking();
                return;
            }
        }

        if (_blocked) Unblock(connection);
        if (!_queue.IsEmpty) connection.AwaitSend();
        else connection.OnFlushed();
    }

    private static int Counted(Connection connection, int sent)
    {
        if (sent > 0) connection.Loop.Counters.AddBytesSent(sent);
        return sent;
    }

    private void Block(Connection connection)
    {
        if (_blocked) return;
        _blocked = true;
        connection.LimitBlocking();
        connection.OnBlockedChanged(blocked: true);
    }

    private void Unblock(Connection connection)
    {
        _blocked = false;
        connection.EndLimitOfBlocking();
        connection.OnBlockedChanged(blocked: false);
    }

    /// <summary>What was on its way has left.</summary>
    internal void ContinueAfterSend(Connection connection)
    {
        if (_queue.IsEmpty) connection.OnFlushed();
        else if (!_blocked) Flush(connection);
    }

    /// <summary>The socket did not take all of what was on its way.</summary>
    /// <param name="connection">Whose field this is.</param>
    /// <param name="rest">The queue's from now on.</param>
    /// <param name="start">Where in it the bytes begin that have not left.</param>
    internal void KeepUnsent(Connection connection, SharedBytes rest, int start)
    {
        connection.Loop.Counters.RepeatBytes(rest.Length - start);
        _queue.Prepend(rest, start);
        _queue.KeepFirst();
        Block(connection);
    }
}
