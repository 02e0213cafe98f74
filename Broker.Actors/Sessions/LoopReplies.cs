using Broker.Core.Buffers;
using Broker.Core.Centrifuge;

namespace Broker.Actors.Sessions;

/// <summary>What the sessions of one loop say in a turn: it leaves together at the turn's end, as one frame for each client.</summary>
/// <remarks>For the loop's thread.</remarks>
public sealed class LoopReplies(BufferPool pool)
{
    // A chunk is a quarter of a mebibyte: so many in a turn take the loop less than a millisecond.
    private const int ChunksPerTurnMax = 8;

    private readonly List<IReplySource> _waiting = [];
    private readonly Queue<IChunkPump> _pumps = new();      // In their turns.

    /// <summary>The loop's pool.</summary>
    public BufferPool Pool { get; } = pool;

    /// <summary>Encodes one line; shared by all sessions of the loop, and empty between two uses.</summary>
    public ReplyWriter Writer { get; } = new();

    /// <summary>Notes that a client has something to be sealed.</summary>
    public void Add(IReplySource source) => _waiting.Add(source);

    /// <summary>Notes that a client has a stream that may be sent.</summary>
    public void Add(IChunkPump pump) => _pumps.Enqueue(pump);

    /// <summary>Lets streams go on, a chunk for each client and a bounded number for all: behind everything else of the turn.</summary>
    /// <returns>Whether more may follow at once, so that the loop should not sleep.</returns>
    public bool SendChunks()
    {
        int chunks = 0;
        bool unflushed = false;
        for (int i = _pumps.Count; i > 0 && chunks < ChunksPerTurnMax; i--)
        {
            IChunkPump pump = _pumps.Dequeue();
            Pumped pumped = pump.Pump();
            if (pumped != Pumped.Idle) _pumps.Enqueue(pump);
            if (pumped == Pumped.Wrote) chunks++;
            if (pumped == Pumped.Unflushed) unflushed = true;
        }

        return chunks > 0 || unflushed;
    }

    /// <summary>Seals everything: whatever is written to a connection next, stands behind it.</summary>
    public void SealAll()
    {
        for (int i = 0; i < _waiting.Count; i++) _waiting[i].Seal();
        _waiting.Clear();
    }
}

/// <summary>Someone with replies in the making.</summary>
public interface IReplySource
{
    /// <summary>Ends the frame in the making and writes it to the connection; nothing, if there is none.</summary>
    void Seal();
}
