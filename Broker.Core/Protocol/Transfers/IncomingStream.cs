using Broker.Core.Buffers;
using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Transfers;

/// <summary>One incomplete stream: which chunks have come, and those of them that wait.</summary>
internal sealed class IncomingStream
{
    private readonly List<KeptChunk> _kept = [];    // In the order in which they came.
    private TransferRate _rate;
    private ulong[] _seen = [];                     // A bit for each index; no longer than the highest that came.

    public required uint Id { get; init; }

    /// <summary>When it began; later by the time for which it was held up.</summary>
    public required TimeSpan Started { get; set; }

    public required long Granted { get; set; }

    public StreamPurpose Purpose { get; init; }

    public uint Reference { get; init; }

    /// <summary>Bytes of the header, or -1.</summary>
    public long Announced { get; init; } = -1;

    public IChunkSink? Sink { get; init; }

    /// <summary>Chunks of the stream; 0 until the first has come.</summary>
    public uint Total { get; set; }

    /// <summary>The last time at which it moved forward.</summary>
    public TimeSpan Progress { get; set; }

    /// <summary>Memory that is kept free for the chunks that are still to come.</summary>
    public long ReservedBytes { get; set; }

    /// <summary>Whether all of the stream has its memory, which comes before the first credit.</summary>
    public bool IsReserved { get; set; }

    /// <summary>Since when credit is due and withheld, for want of memory; none if it is not.</summary>
    public TimeSpan? WithheldSince { get; set; }

    /// <summary>Whether the sender can only wait.</summary>
    public bool IsHeldUp => WithheldSince is not null && Received >= Granted;

    /// <summary>Chunks that have come.</summary>
    public uint Received { get; private set; }

    /// <summary>Bytes that have come.</summary>
    public long Bytes { get; private set; }

    /// <summary>Memory of the chunks that wait.</summary>
    public long HeldBytes { get; private set; }

    /// <summary>The next index that the sink wants.</summary>
    public uint Next { get; private set; }

    public bool IsComplete => Received == Total;

    public StreamExpiry AsExpired(bool wasIdle, TimeSpan limit) =>
        new(Id, Purpose, Reference, Bytes, Announced) { Received = Received, Total = Total, WasIdle = wasIdle, Limit = limit };

    /// <summary>As one that gives way to others.</summary>
    public StreamExpiry AsShed() => AsExpired(wasIdle: false, limit: default) with { Error = ChunkError.ProcessFull };

    /// <summary>
    /// Memory that its further chunks need, from what has come of it: in chunks like those, and in no more than there may be.
    /// </summary>
    public long EstimateMissing(ChunkLimits limits)
    {
        long chunks = Total - Received;
        long bytes = Announced >= 0 ? Announced - Bytes : Math.Min(chunks * limits.ChunkBytesMax, limits.StreamBytesMax - Bytes);
        long average = Received == 0 ? limits.ChunkBytesMax : (Bytes + Received - 1) / Received;
        return Math.Max(bytes, chunks * BufferPool.SizeFor((int)Math.Min(average, limits.ChunkBytesMax)));
    }

    /// <summary>Its memory is there: from now on it has to move.</summary>
    public void Reserve(long bytes, TimeSpan now)
    {
        ReservedBytes = bytes;
        IsReserved = true;
        _rate = new TransferRate(now);
    }

    /// <summary>Whether it gives way to others that wait.</summary>
    public bool IsShedBy(ChunkBudget budget, TimeSpan now) =>
        IsReserved && _rate.TryMeasure(now, out long rate) && budget.TryShed(rate, now);

    public bool Has(uint index)
    {
        if (Sink is not null && index < Next) return true;
        int word = (int)(index / 64);
        return word < _seen.Length && (_seen[word] >> (int)(index % 64) & 1) != 0;
    }

    public void Keep(in KeptChunk chunk)
    {
        _kept.Add(chunk);
        HeldBytes += chunk.Buffer?.Length ?? 0;
        Count(chunk.Index, chunk.Length);
    }

    /// <summary>The next chunk in order goes straight to the sink, then those that waited for it.</summary>
    /// <returns>Memory that is free now.</returns>
    public long HandOn(uint index, ReadOnlySpan<byte> data, BufferPool pool)
    {
        Count(index, data.Length);
        Next++;
        Sink!.OnBytes(data);

        long heldBefore = HeldBytes;
        int at;
        while ((at = IndexOfNext()) >= 0)
        {
            KeptChunk chunk = _kept[at];
            _kept.RemoveAt(at);
            HeldBytes -= chunk.Buffer?.Length ?? 0;
            Next++;
            Sink.OnBytes(chunk.Data.Span);
            chunk.Return(pool);
        }

        return heldBefore - HeldBytes;
    }

    /// <summary>All chunks in the order of their indices. The taker gives their buffers back.</summary>
    public List<KeptChunk> TakeKept()
    {
        for (int i = 1; i < _kept.Count; i++)
        {
            if (_kept[i].Index > _kept[i - 1].Index) continue;
            _kept.Sort(static (one, other) => one.Index.CompareTo(other.Index));
            break;
        }

        return _kept;
    }

    public void Return(BufferPool pool)
    {
        foreach (KeptChunk chunk in _kept) chunk.Return(pool);
        _kept.Clear();
        HeldBytes = 0;
    }

    private int IndexOfNext()
    {
        for (int i = 0; i < _kept.Count; i++)
        {
            if (_kept[i].Index == Next) return i;
        }

        return -1;
    }

    private void Count(uint index, int bytes)
    {
        int word = (int)(index / 64);
        if (word >= _seen.Length) Array.Resize(ref _seen, Math.Max(word + 1, Math.Min(_seen.Length * 2, (int)((Total + 63) / 64))));
        _seen[word] |= 1UL << (int)(index % 64);
        Received++;
        Bytes += bytes;
        _rate.Add(bytes);
    }
}
