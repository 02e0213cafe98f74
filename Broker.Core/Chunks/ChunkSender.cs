using System.Buffers;
using Broker.Core.Native;

namespace Broker.Core.Chunks;

/// <summary>The streams that one connection sends: cut in chunks, one from each in turn, as far as the receiver's credit goes.</summary>
/// <remarks>
/// Writes one message at a time, so its caller can put small ones between and take one chunk a turn of the loop. No more
/// than one chunk is ever in memory beside its source. For one thread.
/// </remarks>
/// <param name="limits">What the receiver takes.</param>
public sealed class ChunkSender(ChunkLimits limits)
{
    private readonly List<Outgoing> _active = [];       // At most what the receiver takes at once; each in its turn.
    private readonly Queue<Outgoing> _waiting = new();
    private uint _nextId;
    private int _turn;

    /// <summary>Streams that have not been sent to their end.</summary>
    public int Streams => _active.Count + _waiting.Count;

    /// <summary>Bytes of the message that <see cref="TryWriteNext"/> would write; 0 if there is none, or credit is missing.</summary>
    public int NextBytes
    {
        get
        {
            if (!TryFindTurn(out Outgoing stream)) return 0;
            return stream.HeaderSent ? Chunk.OverheadBytes + stream.NextDataBytes(limits) : NativeWriter.SizeOf(stream.Header);
        }
    }

    /// <summary>Whether that message is a chunk, and not the header before it.</summary>
    public bool NextIsChunk => TryFindTurn(out Outgoing stream) && stream.HeaderSent;

    /// <summary>Takes a stream to be sent. It waits while the receiver has as many as it takes.</summary>
    /// <param name="source">Its bytes. Owned by the sender, if it is taken.</param>
    /// <param name="stream">Its number.</param>
    /// <param name="purpose">What its bytes are.</param>
    /// <param name="reference">The call that it belongs to.</param>
    /// <returns>False when the receiver takes no stream as long as that: nothing is sent, and no number is spent.</returns>
    public bool TrySend(IChunkSource source, out uint stream, StreamPurpose purpose = StreamPurpose.Message, uint reference = 0)
    {
        stream = _nextId;
        if (!limits.Allows(source.Bytes)) return false;

        _nextId++;
        _waiting.Enqueue(new Outgoing(stream, purpose, reference, source, limits));
        Activate();
        return true;
    }

    /// <summary>Writes one message: the header of a stream, or its next chunk.</summary>
    /// <returns>False when there is none, or credit is missing; then nothing is written.</returns>
    public bool TryWriteNext(IBufferWriter<byte> target)
    {
        if (!TryFindTurn(out Outgoing stream)) return false;
        if (!stream.HeaderSent)
        {
            // The header costs no turn: its first chunk is next.
            NativeWriter.Write(target, stream.Header);
            stream.HeaderSent = true;
            return true;
        }

        stream.WriteChunk(target, limits);
        if (stream.IsSent) Remove(_turn);
        else _turn++;
        return true;
    }

    /// <summary>The receiver takes more chunks. Of a stream that has ended meanwhile, it is ignored.</summary>
    public void Grant(uint stream, uint chunks)
    {
        int at = _active.FindIndex(outgoing => outgoing.Id == stream);
        if (at >= 0) _active[at].Credit += chunks;
    }

    /// <summary>Ends a stream before its last chunk, whoever wants that.</summary>
    /// <param name="stream">Its number.</param>
    /// <param name="wasBegun">Whether the receiver has heard of it, and so has to be told unless it was the one who wanted that.</param>
    /// <returns>False when there is no such stream.</returns>
    public bool Cancel(uint stream, out bool wasBegun)
    {
        wasBegun = false;
        int at = _active.FindIndex(outgoing => outgoing.Id == stream);
        if (at >= 0)
        {
            wasBegun = _active[at].HeaderSent;
            Remove(at);
            return true;
        }

        bool found = false;
        for (int i = _waiting.Count; i > 0; i--)
        {
            Outgoing waiting = _waiting.Dequeue();
            if (waiting.Id != stream)
            {
                _waiting.Enqueue(waiting);
                continue;
            }

            found = true;
            waiting.Source.Dispose();
        }

        return found;
    }

    /// <summary>The connection is gone: disposes of all sources.</summary>
    public void Clear()
    {
        foreach (Outgoing stream in _active) stream.Source.Dispose();
        foreach (Outgoing stream in _waiting) stream.Source.Dispose();
        _active.Clear();
        _waiting.Clear();
    }

    private bool TryFindTurn(out Outgoing stream)
    {
        for (int i = 0; i < _active.Count; i++)
        {
            if (_turn >= _active.Count) _turn = 0;
            stream = _active[_turn];
            if (!stream.HeaderSent || stream.Credit > 0) return true;
            _turn++;
        }

        stream = null!;
        return false;
    }

    private void Remove(int at)
    {
        _active[at].Source.Dispose();
        _active.RemoveAt(at);
        if (at < _turn) _turn--;
        Activate();
    }

    private void Activate()
    {
        while (_active.Count < limits.StreamsMax && _waiting.TryDequeue(out Outgoing? next)) _active.Add(next);
    }

    private sealed class Outgoing(uint id, StreamPurpose purpose, uint reference, IChunkSource source, ChunkLimits limits)
    {
        private readonly uint _total = (uint)limits.ChunksOf(source.Bytes);
        private uint _index;
        private long _sentBytes;

        public uint Id => id;

        public IChunkSource Source => source;

        public bool HeaderSent { get; set; }

        public long Credit { get; set; } = limits.WindowChunks;

        public bool IsSent => _index == _total;

        public StreamHeader Header =>
            new() { Stream = id, Purpose = purpose, Reference = reference, Bytes = (ulong)source.Bytes };

        public int NextDataBytes(ChunkLimits bounds) => (int)Math.Min(bounds.ChunkBytesMax, source.Bytes - _sentBytes);

        public void WriteChunk(IBufferWriter<byte> target, ChunkLimits bounds)
        {
            int dataBytes = NextDataBytes(bounds);
            int size = Chunk.OverheadBytes + dataBytes;
            Span<byte> room = target.GetSpan(size)[..size];
            Chunk.WriteHead(room, id, _index, _total);
            source.CopyTo(_sentBytes, room[Chunk.OverheadBytes..]);
            target.Advance(size);
            _sentBytes += dataBytes;
            _index++;
            Credit--;
        }
    }
}
