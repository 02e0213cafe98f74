using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Calls;

namespace Broker.Store;

/// <summary>The streams of the store that are under way: how many in all, how many of one client, and which one makes room.</summary>
/// <remarks>
/// A client has at most half of all, so that it cannot take them from all. When all are taken, the client that has most
/// loses the one that stood still longest. For all threads.
/// </remarks>
/// <param name="max">The most, at least 1.</param>
internal sealed class StreamSlots(int max)
{
    /// <summary>Who has moved within this time makes room for no one.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly List<Slot> _slots = [];

    /// <summary>Streams under way.</summary>
    public int Count
    {
        get
        {
            lock (_gate) return _slots.Count;
        }
    }

    private int ClientMax => Math.Max(1, (max + 1) / 2);

    /// <summary>Takes a place.</summary>
    /// <param name="client">Whose it is; null where clients are not told apart.</param>
    /// <param name="watch">Of the stream: may be shed.</param>
    /// <exception cref="CallFaultException">Overloaded: the client has its share, or all are taken and move.</exception>
    public void Take(object? client, IdleWatch watch)
    {
        IdleWatch? shed = null;
        lock (_gate)
        {
            if (client is not null && CountOf(client) >= ClientMax)
                throw new CallFaultException(
                    FaultCode.Overloaded, $"{ClientMax} streams of the store are under way for this client already");
            if (_slots.Count >= max)
            {
                if (FindIdlest(client) is not { } idlest)
                    throw new CallFaultException(FaultCode.Overloaded, $"{max} streams of the store are under way already");
                _slots.Remove(idlest);
                shed = idlest.Watch;
            }

            _slots.Add(new Slot(client, watch));
        }

        shed?.Shed();
    }

    /// <summary>The stream is over; ignored if it has made room already.</summary>
    public void Release(IdleWatch watch)
    {
        lock (_gate)
        {
            int at = _slots.FindIndex(each => ReferenceEquals(each.Watch, watch));
            if (at >= 0) _slots.RemoveAt(at);
        }
    }

    private int CountOf(object client) => _slots.Count(each => Equals(each.Client, client));

    // Of the client that has most. One that has hardly more than the one who comes loses only what stands still.
    private Slot? FindIdlest(object? client)
    {
        int own = client is null ? 0 : CountOf(client);
        return _slots
            .Select(slot => (Slot: slot, Count: slot.Client is null ? own + 1 : CountOf(slot.Client), slot.Watch.StoodStill))
            .Where(each => each.Count > own + 1 || (each.Count > own && each.StoodStill >= Patience))
            .OrderByDescending(each => each.Count)
            .ThenByDescending(each => each.StoodStill)
            .FirstOrDefault()
            .Slot;
    }

    private sealed record Slot(object? Client, IdleWatch Watch);
}
