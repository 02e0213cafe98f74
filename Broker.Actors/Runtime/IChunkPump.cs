namespace Broker.Actors.Runtime;

/// <summary>What came of a pump's turn.</summary>
public enum Pumped
{
    /// <summary>Nothing may be sent now; it comes again by itself.</summary>
    Idle,

    /// <summary>Its client has not taken what was written before; when its socket takes more, a turn comes by itself.</summary>
    Waiting,

    /// <summary>
    /// Much was written for its client in this turn, and has not been offered to the socket yet: what came of that is known in the next
    /// turn.
    /// </summary>
    Unflushed,

    /// <summary>A chunk was written, and more may follow.</summary>
    Wrote,
}

/// <summary>Someone with streams to send: asked for one chunk at a time, behind the small messages of a turn.</summary>
public interface IChunkPump
{
    /// <summary>Writes a chunk, if the client has room for one.</summary>
    Pumped Pump();
}
