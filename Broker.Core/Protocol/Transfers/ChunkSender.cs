using System.Buffers;
using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Transfers;

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

    /// <summary>Bytes of all sources that have not been sent.</summary>
    public long UnsentBytes { get; private set; }

    /// <summary>Bytes of the message that <see cref="TryWriteNext"/> would write; 0 if there is none, or credit is missing.</summary>
    public int NextBytes
    {
        get
        {
            if (!TryFindTurn(out Outgoing stream)) return 0;
            if (stream.IsCancelled) return NativeWriter.SizeOf(stream.Cancellation);
            return stream.HeaderSent ? Chunk.OverheadBytes + stream.NextDataBytes(limits) : NativeWriter.SizeOf(stream.Header);
        }
    }

    /// <summary>The stream that the message is of; only where there is one.</summary>
    public uint NextStream => TryFindTurn(out Outgoing stream) ? stream.Id : throw new InvalidOperationException("No stream may be sent.");

    /// <summary>Whether that message is a chunk, and not a header or the word that a stream is cancelled.</summary>
    public bool NextIsChunk => TryFindTurn(out Outgoing stream) && stream is { HeaderSent: true, IsCancelled: false };

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
        UnsentBytes += source.Bytes;
        _waiting.Enqueue(new Outgoing(stream, purpose, reference, source, limits));
        Activate();
        return true;
    }

    /// <summary>Writes one message: the header of a stream, its next chunk, or that it is cancelled.</summary>
    /// <returns>False when there is none, or credit is missing; then nothing is written.</returns>
    public bool TryWriteNext(IBufferWriter<byte> target)
    {
        int bytes = NextBytes;
        if (bytes == 0) return false;
        WriteNext(target.GetSpan(bytes)[..bytes]);
        target.Advance(bytes);
        return true;
    }

    /// <summary>Writes the message that <see cref="NextBytes"/> tells of.</summary>
    /// <param name="target">Room for exactly so many bytes.</param>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public void WriteNext(Span<byte> target)
    {
        if (!TryFindTurn(out Outgoing stream)) throw new InvalidOperationException("No stream may be sent.");
        var writer = new NativeWriter(target);
        if (stream.IsCancelled)
        {
            writer.TryWrite(stream.Cancellation);
            Remove(_turn);
            return;
        }

        if (!stream.HeaderSent)
        {
            // The header costs no turn: its first chunk is next.
            writer.TryWrite(stream.Header);
            stream.HeaderSent = true;
            return;
        }

        UnsentBytes -= stream.WriteChunk(target, limits);
        if (stream.IsSent) Remove(_turn);
        else _turn++;
    }

    /// <summary>Whether a stream has begun and waits for the receiver's credit; else it waits for its turn, if it is there.</summary>
    public bool WaitsForCredit(uint stream) => _active.Find(outgoing => outgoing.Id == stream) is { HeaderSent: true, Credit: <= 0 };

    /// <summary>The receiver takes more chunks. Of a stream that has ended meanwhile, it is ignored.</summary>
    public void Grant(uint stream, uint chunks)
    {
        int at = _active.FindIndex(outgoing => outgoing.Id == stream);
        if (at >= 0) _active[at].Credit += chunks;
    }

    /// <summary>Ends a stream before its last chunk because this side wants that. The receiver is told, if it has learned of it.</summary>
    /// <remarks>Told in the stream's own turn, so before the header of the stream that takes its place.</remarks>
    /// <param name="stream">Its number.</param>
    /// <param name="why">The reason that the receiver is sent, or none.</param>
    /// <returns>False when there is no such stream.</returns>
    public bool Cancel(uint stream, ChunkError why = ChunkError.None)
    {
        int at = _active.FindIndex(outgoing => outgoing.Id == stream);
        if (at < 0) return DropWaiting(stream);
        if (!_active[at].HeaderSent) return Drop(at);
        if (_active[at].IsCancelled) return false;

        UnsentBytes -= _active[at].Cancel(why);
        return true;
    }

    /// <summary>The receiver wants no more of a stream, and so need not be notified.</summary>
    /// <returns>False when there is no such stream.</returns>
    public bool OnCancelled(uint stream)
    {
        int at = _active.FindIndex(outgoing => outgoing.Id == stream);
        return at < 0 ? DropWaiting(stream) : Drop(at);
    }

    /// <summary>The connection is gone: disposes of all sources.</summary>
    public void Clear()
    {
        foreach (Outgoing stream in _active) stream.Dispose();
        foreach (Outgoing stream in _waiting) stream.Dispose();
        _active.Clear();
        _waiting.Clear();
        UnsentBytes = 0;
    }

    private bool TryFindTurn(out Outgoing stream)
    {
        for (int i = 0; i < _active.Count; i++)
        {
            if (_turn >= _active.Count) _turn = 0;
            stream = _active[_turn];
            if (!stream.HeaderSent || stream.IsCancelled || stream.Credit > 0) return true;
            _turn++;
        }

        stream = null!;
        return false;
    }

    private bool Drop(int at)
    {
        UnsentBytes -= _active[at].UnsentBytes;
        Remove(at);
        return true;
    }

    private bool DropWaiting(uint stream)
    {
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
            UnsentBytes -= waiting.UnsentBytes;
            waiting.Dispose();
        }

        return found;
    }

    private void Remove(int at)
    {
        _active[at].Dispose();
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
        private readonly long _bytes = source.Bytes;
        private readonly uint _total = (uint)limits.ChunksOf(source.Bytes);
        private ChunkError _why;
        private bool _disposed;
        private uint _index;

        public uint Id => id;

        public bool HeaderSent { get; set; }

        public bool IsCancelled { get; private set; }

        public long Credit { get; set; } = limits.WindowChunks;

        public long UnsentBytes { get; private set; } = source.Bytes;

        public bool IsSent => _index == _total;

        public StreamHeader Header => new() { Stream = id, Purpose = purpose, Reference = reference, Bytes = (ulong)_bytes };

        public StreamCancel Cancellation => new() { Owner = StreamOwner.Mine, Stream = id, Code = _why };

        public int NextDataBytes(ChunkLimits bounds) => (int)Math.Min(bounds.ChunkBytesMax, UnsentBytes);

        /// <summary>Writes the next chunk and gives the bytes of its data.</summary>
        public int WriteChunk(Span<byte> target, ChunkLimits bounds)
        {
            int dataBytes = NextDataBytes(bounds);
            Chunk.WriteHead(target, id, _index, _total);
            source.CopyTo(_bytes - UnsentBytes, target[Chunk.OverheadBytes..]);
            UnsentBytes -= dataBytes;
            _index++;
            Credit--;
            return dataBytes;
        }

        /// <summary>Releases the source and gives the bytes that will not be sent.</summary>
        public long Cancel(ChunkError why)
        {
            long unsent = UnsentBytes;
            IsCancelled = true;
            _why = why;
            UnsentBytes = 0;
            Dispose();
            return unsent;
        }

        public void Dispose()
        {
            if (_disposed) return;
            _disposed = true;
            source.Dispose();
        }
    }
}
