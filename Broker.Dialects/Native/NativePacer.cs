using Broker.Actors.Runtime;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;

namespace Broker.Dialects.Native;

/// <summary>Tells the requester when little waits for a client any more. For the loop's thread.</summary>
/// <param name="connection">The client's.</param>
/// <param name="replies">Where it waits for its turn.</param>
internal sealed class NativePacer(Connection connection, LoopTurn replies) : IChunkPump
{
    /// <summary>With so much waiting for the socket, what is large waits too.</summary>
    internal const int BusyBytes = 64 * 1024;

    private readonly List<Action> _waiting = [];

    /// <summary>Told in a later turn, once the client has taken what was written; not at all if it goes before.</summary>
    internal void Add(Action then)
    {
        if (_waiting.Count == 0) replies.Add(this);
        _waiting.Add(then);
    }

    /// <summary>Whether so much waits for a client that what is large waits too.</summary>
    /// <param name="connection">The client's.</param>
    /// <param name="pumped">When to ask again, if so.</param>
    internal static bool IsBusy(Connection connection, out Pumped pumped)
    {
        pumped = connection.IsBlocked ? Pumped.Waiting : Pumped.Unflushed;
        return connection.QueuedBytes > BusyBytes;
    }

    /// <inheritdoc />
    public Pumped Pump()
    {
        if (connection.IsOpen && IsBusy(connection, out Pumped pumped)) return pumped;
        foreach (Action then in _waiting) then();
        _waiting.Clear();
        return Pumped.Idle;
    }
}
