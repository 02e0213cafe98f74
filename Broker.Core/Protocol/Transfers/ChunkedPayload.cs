using System.Buffers;
using Broker.Core.Buffers;

namespace Broker.Core.Protocol.Transfers;

/// <summary>The bytes of a whole stream, in the buffers in which its chunks came. The owner of it disposes of it, once.</summary>
/// <remarks>
/// They are not put together, because that would hold a large payload twice. Belongs to the thread of its pool.
/// </remarks>
public sealed class ChunkedPayload : IDisposable
{
    private readonly BufferPool _pool;
    private readonly ChunkBudget _budget;
    private List<KeptChunk>? _chunks;
    private long _heldBytes;
    private bool _isPassedOn;       // Whether another component counts them.
    private int _moved;             // Chunks that are copied and returned.

    internal ChunkedPayload(BufferPool pool, ChunkBudget budget, List<KeptChunk> chunks, long bytes, long heldBytes)
    {
        _pool = pool;
        _budget = budget;
        _chunks = chunks;
        _heldBytes = heldBytes;
        Bytes = bytes;
    }

    /// <summary>Bytes of all chunks together.</summary>
    public long Bytes { get; }

    /// <summary>Chunks; at least one.</summary>
    public int Count => Chunks.Count;

    private List<KeptChunk> Chunks => _chunks ?? throw new ObjectDisposedException(nameof(ChunkedPayload));

    /// <summary>The data of one chunk. Borrowed until this is disposed of.</summary>
    public ReadOnlySpan<byte> this[int index] => Chunks[index].Data.Span;

    /// <summary>Copies as many of the first bytes as the target takes.</summary>
    public void CopyTo(Span<byte> target)
    {
        foreach (KeptChunk chunk in Chunks)
        {
            int taken = Math.Min(chunk.Length, target.Length);
            chunk.Data.Span[..taken].CopyTo(target);
            target = target[taken..];
        }
    }

    /// <summary>
    /// The bytes from one of them on in an array of their own: each chunk is returned as soon as it is copied, and so is this.
    /// </summary>
    /// <remarks>An array takes memory as it is written, so both together take one chunk more than the bytes.</remarks>
    /// <param name="from">The first byte wanted.</param>
    public byte[] MoveToArray(long from = 0)
    {
        using ChunkedPayload disposed = this;
        byte[] whole = GC.AllocateUninitializedArray<byte>(checked((int)(Bytes - from)));
        Span<byte> rest = whole;
        while (_moved < Count)
        {
            int length = Chunks[_moved].Length, skipped = (int)Math.Min(from, length);
            Move(skipped, rest);
            rest = rest[(length - skipped)..];
            from -= skipped;
        }

        return whole;
    }

    /// <summary>The same, a chunk at a time: copies the next one and gives its buffer back.</summary>
    /// <param name="target">Room for all that is left.</param>
    /// <param name="bytes">How many were copied.</param>
    /// <returns>False when nothing was left: this is disposed of.</returns>
    public bool TryMoveNext(Span<byte> target, out int bytes)
    {
        bytes = 0;
        if (_chunks is null) return false;
        if (_moved == Count)
        {
            Dispose();
            return false;
        }

        bytes = Chunks[_moved].Length;
        Move(0, target);
        return true;
    }

    private void Move(int from, Span<byte> target)
    {
        KeptChunk chunk = Chunks[_moved];
        chunk.Data.Span[from..].CopyTo(target);

        // Returned once: what stays of it here is empty.
        Chunks[_moved++] = default;
        chunk.Return(_pool);
        int held = _isPassedOn ? 0 : chunk.Buffer?.Length ?? 0;
        _heldBytes -= held;
        _budget.Return(held);
    }

    /// <summary>
    /// The bytes go on being counted when this is gone, by another component: until the call that they are arguments of is over.
    /// </summary>
    /// <param name="connection">What the connection's calls may hold.</param>
    /// <param name="bytes">How many are to be counted.</param>
    /// <returns>None where they are too many for the connection; then this counts them as before.</returns>
    public ChunkReservation? TryPassOn(ChunkBudget connection, long bytes)
    {
        ArgumentNullException.ThrowIfNull(connection);
        var reservation = ChunkReservation.TryTakeOver(connection, _budget, bytes, _heldBytes);
        if (reservation is not null) (_heldBytes, _isPassedOn) = (0, true);
        return reservation;
    }

    /// <summary>Everything in one array of its own, beside the chunks.</summary>
    public byte[] ToArray()
    {
        byte[] whole = GC.AllocateUninitializedArray<byte>(checked((int)Bytes));
        CopyTo(whole);
        return whole;
    }

    /// <summary>Everything as one sequence without a copy. Borrowed until this is disposed of.</summary>
    public ReadOnlySequence<byte> AsSequence()
    {
        var first = new Segment(Chunks[0].Data, 0);
        Segment last = first;
        for (int i = 1; i < Count; i++) last = last.Append(Chunks[i].Data);
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    /// <summary>The bytes from one of them on, to be shared by many without a copy. Only where the pool is for all threads.</summary>
    /// <param name="from">The first byte.</param>
    /// <returns>What disposes of this when its last holder releases it; the caller is the first.</returns>
    public LongBytes Share(long from)
    {
        var segments = new List<ReadOnlyMemory<byte>>(Count);
        foreach (KeptChunk chunk in Chunks)
        {
            if (from < chunk.Length) segments.Add(chunk.Data[(int)from..]);
            from = Math.Max(0, from - chunk.Length);
        }

        return new LongBytes([.. segments], this);
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_chunks is not { } chunks) return;
        _chunks = null;
        foreach (KeptChunk chunk in chunks) chunk.Return(_pool);
        _budget.Return(_heldBytes);
        _heldBytes = 0;
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(ReadOnlyMemory<byte> memory, long before)
        {
            Memory = memory;
            RunningIndex = before;
        }

        public Segment Append(ReadOnlyMemory<byte> memory)
        {
            var next = new Segment(memory, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}

/// <summary>One chunk in a buffer of the pool, or in none where it is empty.</summary>
internal readonly record struct KeptChunk(uint Index, byte[]? Buffer, int Length)
{
    public ReadOnlyMemory<byte> Data => Buffer.AsMemory(0, Length);

    public void Return(BufferPool pool)
    {
        if (Buffer is not null) pool.Return(Buffer);
    }
}
