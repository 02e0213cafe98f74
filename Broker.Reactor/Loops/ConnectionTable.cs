using System.Diagnostics.CodeAnalysis;

namespace Broker.Reactor.Loops;

/// <summary>
/// The connections of one loop, in dense slots that are used again; ids carry a generation, so that a late one finds none.
/// </summary>
internal sealed class ConnectionTable(int loop)
{
    private const int SlotsFirst = 1024;

    private readonly Stack<int> _free = new();
    private Connection?[] _connections = new Connection?[SlotsFirst];
    private uint[] _generations = new uint[SlotsFirst];

    /// <summary>Connections in it.</summary>
    internal int Count { get; private set; }

    /// <summary>Slots that were ever taken: connections are below.</summary>
    internal int SlotsUsed { get; private set; }

    internal Connection? this[int slot] => _connections[slot];

    /// <summary>Takes a slot for a connection that is added next.</summary>
    internal ConnectionId TakeId()
    {
        int slot = _free.TryPop(out int free) ? free : SlotsUsed++;
        if (slot == _connections.Length)
        {
            Array.Resize(ref _connections, slot * 2);
            Array.Resize(ref _generations, slot * 2);
        }

        return new ConnectionId(slot, _generations[slot], loop);
    }

    /// <summary>Puts a connection into the slot that its id names.</summary>
    internal void Add(Connection connection)
    {
        _connections[connection.Id.Slot] = connection;
        Count++;
    }

    /// <summary>Takes a connection out; its slot's next holder has another generation.</summary>
    /// <returns>Whether it was there.</returns>
    internal bool Remove(Connection connection)
    {
        int slot = connection.Id.Slot;
        if (!ReferenceEquals(_connections[slot], connection)) return false;
        _connections[slot] = null;
        _generations[slot]++;
        _free.Push(slot);
        Count--;
        return true;
    }

    /// <summary>Finds a connection by slot and generation; both may be of one that has ended.</summary>
    internal bool TryFind(int slot, uint generation, [NotNullWhen(true)] out Connection? connection)
    {
        connection = (uint)slot < (uint)SlotsUsed && _generations[slot] == generation ? _connections[slot] : null;
        return connection is not null;
    }
}
