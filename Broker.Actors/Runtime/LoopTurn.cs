using Broker.Actors.Recent;
using Broker.Core.Buffers;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Actors.Runtime;

/// <summary>
/// The end of each turn of a loop, in this order: replies are sealed, so that they stand before publications; publications are sent;
/// homes are told what was sent; transfers send a chunk each. What was written leaves when the loop flushes its connections.
/// </summary>
/// <remarks>For the loop's thread. Fan-out, replies and transfers register with it.</remarks>
public sealed class LoopTurn
{
    // A chunk is a quarter of a mebibyte: so many in a turn take the loop less than a millisecond.
    private const int ChunksPerTurnMax = 8;

    private readonly List<IReplySource> _replies = [];
    private readonly Queue<IChunkPump> _pumps = new();      // In their turns.

    /// <summary>Stands at the end of each of the loop's turns.</summary>
    public LoopTurn(EventLoop loop)
    {
        ArgumentNullException.ThrowIfNull(loop);
        Loop = loop;
        loop.TurnEnding += End;
    }

    /// <summary>The loop.</summary>
    public EventLoop Loop { get; }

    /// <summary>The loop's pool.</summary>
    public BufferPool Pool => Loop.Pool;

    /// <summary>What has ended lately on the loop.</summary>
    internal RecentEnds Ends { get; init; } = new(bytesMax: 0, TimeProvider.System);

    /// <summary>The loop's fan-out; null while it is restarted.</summary>
    internal ITurnDeliveries? Deliveries { get; set; }

    /// <summary>Registers a client with replies to be sealed at this turn's end.</summary>
    public void Add(IReplySource source) => _replies.Add(source);

    /// <summary>Registers a client with a transfer that may be sent.</summary>
    public void Add(IChunkPump pump) => _pumps.Enqueue(pump);

    private void End()
    {
        SealReplies();
        Deliveries?.Send();
        Deliveries?.Account();

        // What the socket takes at once is followed by the next turn, not by a sleep.
        if (PumpTransfers()) Loop.Post(static _ => { }, this);
    }

    /// <summary>Seals everything: whatever is written to a connection next, stands behind it.</summary>
    internal void SealReplies()
    {
        for (int i = 0; i < _replies.Count; i++) _replies[i].Seal();
        _replies.Clear();
    }

    /// <summary>Lets transfers go on, a chunk for each client and a bounded number for all: behind everything else of the turn.</summary>
    /// <returns>Whether more may follow at once, so that the loop should not sleep.</returns>
    internal bool PumpTransfers()
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
}

/// <summary>Someone with replies in the making.</summary>
public interface IReplySource
{
    /// <summary>Ends the frame in the making and writes it to the connection; nothing, if there is none.</summary>
    void Seal();
}

/// <summary>The publications of a turn.</summary>
internal interface ITurnDeliveries
{
    /// <summary>Sends what is batched.</summary>
    void Send();

    /// <summary>Tells where it came from how much was sent.</summary>
    void Account();
}
