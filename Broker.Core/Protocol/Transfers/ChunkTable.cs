using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Broker.Core.Buffers;
using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Transfers;

/// <summary>The incomplete streams that one connection is being sent: puts chunks together, or hands them on in order.</summary>
/// <remarks>
/// Chunks may come in any order and streams may be interleaved. What is held is bounded by bytes that have really come, per
/// stream, connection and process; nothing is allocated from what a header or a chunk only says, except one bit a chunk up
/// to the index that came. Credit is given only where the rest of the stream has room in both budgets, and else withheld until
/// it has: a sender that follows its credit is not refused for want of memory. Told the time; every <c>now</c> is on one clock that never
/// goes back. For one thread.
/// </remarks>
/// <param name="limits">The bounds.</param>
/// <param name="budget">What all tables of the process share.</param>
/// <param name="pool">Where the buffers come from.</param>
public sealed partial class ChunkTable(ChunkLimits limits, ChunkBudget budget, BufferPool pool)
{
    private static readonly TimeSpan s_retryInterval = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_lookInterval = TimeSpan.FromMilliseconds(250);

    private readonly Dictionary<uint, IncomingStream> _streams = [];
    private readonly StreamHistory _history = new();
    private ChunkAccount _memory = new(limits, budget);
    private readonly Queue<StreamExpiry> _expired = new();     // Evicted by a chunk, and not reported yet.
    private TimeSpan _tried;                                    // When memory was last asked for in vain,
    private TimeSpan _looked;                                   // and when it was last asked who has to give way to others.

    /// <summary>Streams that are incomplete.</summary>
    public int Streams => _streams.Count;

    /// <summary>Memory that they hold.</summary>
    public long HeldBytes => _memory.HeldBytes;

    /// <summary>Memory that is kept free for what they may still send.</summary>
    public long ReservedBytes => _memory.ReservedBytes;

    /// <summary>Whether credit is due to a stream and withheld for want of memory.</summary>
    public bool IsWithholding { get; private set; }

    /// <summary>The last chunk or header that was refused, with the numbers; good until the next one.</summary>
    public ChunkRefusal Refusal { get; private set; }

    /// <summary>
    /// When <see cref="TryExpire"/> or <see cref="TryGrant"/> has something to return if no chunk comes; none without streams.
    /// </summary>
    public TimeSpan? NextExpiry
    {
        get
        {
            if (_expired.Count > 0) return TimeSpan.Zero;
            TimeSpan? next = null;
            foreach (IncomingStream stream in _streams.Values)
            {
                TimeSpan end = stream.IsReserved ? Earlier(ExpiryOf(stream), _looked + s_lookInterval) : ExpiryOf(stream);
                if (stream.WithheldSince is not null) end = Earlier(end, _tried + s_retryInterval);
                if (next is null || end < next) next = end;
            }

            return next;
        }
    }

    /// <summary>Opens a stream whose header has come.</summary>
    /// <param name="header">The header.</param>
    /// <param name="now">The time.</param>
    /// <param name="sink">Takes the bytes in order as they come; without one they are put together.</param>
    /// <returns>None, or why there is no such stream. Its number is then spent, so that its chunks open no other one.</returns>
    public ChunkError Open(in StreamHeader header, TimeSpan now, IChunkSink? sink = null)
    {
        Evict(now);
        if (_streams.TryGetValue(header.Stream, out IncomingStream? begun)) return Refuse(ChunkError.HeaderTwice, begun.Received);
        ChunkError error = Admit(header.Stream);
        if (error == ChunkError.None && header.Bytes > (ulong)limits.StreamBytesMax)
            error = Refuse(ChunkError.StreamTooBig, (long)Math.Min(header.Bytes, long.MaxValue), limits.StreamBytesMax);
        if (error != ChunkError.None) return Spend(header.Stream, error);

        Begin(new IncomingStream
        {
            Id = header.Stream,
            Started = now,
            Progress = now,
            Granted = limits.WindowChunks,
            Purpose = header.Purpose,
            Reference = header.Reference,
            Announced = (long)header.Bytes,
            Sink = sink,
        });
        return ChunkError.None;
    }

    /// <summary>Refuses a stream whose header has come, because no caller waits for what it belongs to.</summary>
    /// <param name="header">The header.</param>
    /// <param name="now">The time.</param>
    /// <returns>
    /// <see cref="ChunkError.UnknownReference"/>: the number is spent, so that its chunks open no other stream.
    /// <see cref="ChunkError.HeaderTwice"/>: a stream of that number has begun, and lives.
    /// </returns>
    public ChunkError Reject(in StreamHeader header, TimeSpan now)
    {
        Evict(now);
        return _streams.TryGetValue(header.Stream, out IncomingStream? begun)
            ? Refuse(ChunkError.HeaderTwice, begun.Received)
            : Spend(header.Stream, Refuse(ChunkError.UnknownReference, header.Reference));
    }

    /// <summary>Takes a chunk. One of an unknown stream opens it, as one whole message.</summary>
    /// <param name="chunk">The chunk; its data is borrowed, and copied where it has to wait.</param>
    /// <param name="now">The time.</param>
    /// <param name="arrival">What came of it.</param>
    /// <returns>
    /// None, or the first rule that is broken, in the order of this method. A first chunk that is refused leaves no stream;
    /// a wrong total and a duplicate leave their stream as it was; what makes a stream hopeless drops it.
    /// </returns>
    public ChunkError Add(in Chunk chunk, TimeSpan now, out ChunkArrival arrival)
    {
        arrival = default;

        // 1 to 3: of the chunk alone.
        ChunkRefusal refusal = ChunkRules.Check(chunk, limits);
        if (refusal.Error != ChunkError.None) return Refuse(refusal);

        // 4: what is over is over before anything is judged by what there is.
        Evict(now);

        // 5: a stream that is spent, or one too many.
        bool known = _streams.TryGetValue(chunk.Stream, out IncomingStream? stream);
        if (!known)
        {
            ChunkError error = Admit(chunk.Stream);
            if (error != ChunkError.None) return Spend(chunk.Stream, error);
        }

        // 6: a stream, though it is unknown it yet.
        stream ??= new IncomingStream { Id = chunk.Stream, Started = now, Progress = now, Granted = limits.WindowChunks };
        arrival = new ChunkArrival { Purpose = stream.Purpose, Reference = stream.Reference };

        // 7 and 8: of the chunk in its stream. These leave it complete-able.
        if (stream.Total != 0 && stream.Total != chunk.Total) return Refuse(ChunkError.TotalChunksMismatch, chunk.Total, stream.Total);
        if (stream.Has(chunk.Index)) return Refuse(ChunkError.DuplicateChunk, chunk.Index, stream.Total, stream.Received);

        // Beyond the nine: of bytes.
        refusal = ChunkRules.CheckBytes(stream, chunk, limits);
        if (refusal.Error == ChunkError.None) refusal = Store(stream, chunk);
        if (refusal.Error != ChunkError.None)
        {
            Drop(stream, ChunkError.Cancelled);
            arrival = arrival with { IsDropped = true };
            return Refuse(refusal);
        }

        // 9: stored.
        if (!known) Begin(stream);
        stream.Progress = now;
        return stream.IsComplete ? Complete(stream, ref arrival) : GrantAhead(stream, ref arrival, now);
    }

    /// <summary>The sink's owner has room: the sender may send so many more, and is notified by the caller.</summary>
    /// <returns>False when the stream is over, and no credit should be sent.</returns>
    public bool Grant(uint stream, uint chunks)
    {
        if (!_streams.TryGetValue(stream, out IncomingStream? incoming)) return false;
        incoming.Granted += chunks;
        return true;
    }

    /// <summary>Gives the next credit that was withheld for want of memory, where there is some now. Call it until it says false.</summary>
    /// <param name="now">The time.</param>
    /// <param name="stream">The stream.</param>
    /// <param name="credit">Chunks; counted, and to be sent by the caller.</param>
    public bool TryGrant(TimeSpan now, out uint stream, out uint credit)
    {
        (stream, credit) = (0, 0);
        if (!IsWithholding) return false;

        // The oldest first: those that began before it are complete sooner.
        IncomingStream? oldest = null;
        foreach (IncomingStream each in _streams.Values)
        {
            if (each.WithheldSince is not null && (oldest is null || each.Started < oldest.Started)) oldest = each;
        }

        IsWithholding = oldest is not null;
        if (oldest is null || !TryReserve(oldest, now)) return false;
        stream = oldest.Id;

        TimeSpan withheld = now - oldest.WithheldSince!.Value;
        oldest.WithheldSince = null;
        oldest.Started += withheld;
        oldest.Progress = now;
        credit = CreditOf(oldest);
        oldest.Granted += credit;
        AssertInvariant();
        return true;
    }

    /// <summary>Ends a stream before its last chunk, the one that wants that. Its late chunks are refused.</summary>
    /// <returns>Whether there was such a stream. The number is spent either way.</returns>
    public bool Cancel(uint stream)
    {
        if (_streams.TryGetValue(stream, out IncomingStream? incoming))
        {
            Drop(incoming, ChunkError.Cancelled);
            return true;
        }

        if (_history.Of(stream) == ChunkError.None) _history.Spend(stream, ChunkError.Cancelled);
        return false;
    }

    /// <summary>How far a stream has come.</summary>
    /// <param name="stream">Its number.</param>
    /// <param name="bytes">Bytes that have come.</param>
    /// <param name="announced">Bytes of its header, or -1 if none came.</param>
    /// <returns>False when there is no such stream.</returns>
    public bool TryGetProgress(uint stream, out long bytes, out long announced)
    {
        bool known = _streams.TryGetValue(stream, out IncomingStream? incoming);
        bytes = incoming?.Bytes ?? 0;
        announced = incoming?.Announced ?? -1;
        return known;
    }

    /// <summary>The connection is gone: gives everything back.</summary>
    public void Clear()
    {
        foreach (IncomingStream stream in _streams.Values) Release(stream);
        _streams.Clear();
        _expired.Clear();
        AssertInvariant();
    }

    private ChunkError Admit(uint stream)
    {
        ChunkError end = _history.Of(stream);
        if (end != ChunkError.None) return Refuse(end);
        return _streams.Count >= limits.StreamsMax ? Refuse(ChunkError.TooManyStreams, _streams.Count, limits.StreamsMax) : ChunkError.None;
    }

    private ChunkError Refuse(ChunkError error, long found = 0, long limit = 0, long beside = 0) =>
        Refuse(new ChunkRefusal(error, found, limit, beside));

    private ChunkError Refuse(in ChunkRefusal refusal)
    {
        Refusal = refusal;
        return refusal.Error;
    }

    // A refused stream's later chunks must not open it when there is room again: it could never be completed.
    private ChunkError Spend(uint stream, ChunkError error)
    {
        if (_history.Of(stream) == ChunkError.None) _history.Spend(stream, ChunkError.Cancelled);
        return error;
    }

    private ChunkRefusal Store(IncomingStream stream, in Chunk chunk)
    {
        stream.Total = chunk.Total;
        if (stream.Sink is not null && chunk.Index == stream.Next)
        {
            _memory.Return(stream.HandOn(chunk.Index, chunk.Data, pool));
            AssertInvariant();
            return default;
        }

        // Counted before it is rented: what the pool has given out is never more than the budget.
        ChunkRefusal refusal = chunk.Data.IsEmpty ? default : _memory.Hold(stream, BufferPool.SizeFor(chunk.Data.Length));
        if (refusal.Error != ChunkError.None) return refusal;

        byte[]? buffer = chunk.Data.IsEmpty ? null : pool.Rent(chunk.Data.Length);
        chunk.Data.CopyTo(buffer);
        stream.Keep(new KeptChunk(chunk.Index, buffer, chunk.Data.Length));
        AssertInvariant();
        return default;
    }

    private bool TryReserve(IncomingStream stream, TimeSpan now)
    {
        if (_memory.TryReserve(stream, now)) return true;
        _tried = now;
        return false;
    }

    private ChunkError Complete(IncomingStream stream, ref ChunkArrival arrival)
    {
        _streams.Remove(stream.Id);
        _history.Spend(stream.Id, ChunkError.Finished);
        _memory.HandOver(stream.HeldBytes);
        _memory.ReturnReserved(stream);
        ChunkedPayload? payload = stream.Sink is null
            ? new ChunkedPayload(pool, budget, stream.TakeKept(), stream.Bytes, stream.HeldBytes)
            : null;
        arrival = arrival with { IsComplete = true, Payload = payload };
        AssertInvariant();
        return ChunkError.None;
    }

    // Half a window early, so that the sender of a stream that is put together never waits for a round trip.
    private ChunkError GrantAhead(IncomingStream stream, ref ChunkArrival arrival, TimeSpan now)
    {
        uint credit = CreditOf(stream);
        if (stream.Sink is not null || credit == 0 || stream.WithheldSince is not null) return ChunkError.None;
        if (!TryReserve(stream, now))
        {
            stream.WithheldSince = now;
            IsWithholding = true;
            return ChunkError.None;
        }

        stream.Granted += credit;
        arrival = arrival with { Credit = credit };
        return ChunkError.None;
    }

    private uint CreditOf(IncomingStream stream)
    {
        long open = stream.Granted - stream.Received;
        return open > limits.WindowChunks / 2 || stream.Granted >= stream.Total ? 0 : (uint)Math.Max(1, limits.WindowChunks - open);
    }

    private void Begin(IncomingStream stream)
    {
        _streams.Add(stream.Id, stream);
        _history.Open(stream.Id);
    }

    private void Drop(IncomingStream stream, ChunkError end)
    {
        _streams.Remove(stream.Id);
        _history.Spend(stream.Id, end);
        Release(stream);
    }

    private void Release(IncomingStream stream)
    {
        _memory.Return(stream.HeldBytes);
        stream.Return(pool);
        _memory.ReturnReserved(stream);
    }

    [Conditional("DEBUG")]
    private void AssertInvariant()
    {
        // Without LINQ, which allocates: what a chunk allocates is tested in Debug too.
        long held = 0, reserved = 0;
        foreach (IncomingStream each in _streams.Values) (held, reserved) = (held + each.HeldBytes, reserved + each.ReservedBytes);
        _memory.AssertInvariant(held, reserved);
        Debug.Assert(_streams.Count <= limits.StreamsMax, "More streams are incomplete than may be.");
    }
}
