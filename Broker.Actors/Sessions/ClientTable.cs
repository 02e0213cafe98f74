using System.Diagnostics;
using Akka.Actor;
using Broker.Actors.Model;

namespace Broker.Actors.Sessions;

/// <summary>Clients with their sessions, by client id: 16 bytes a slot, and no object for each.</summary>
/// <remarks>
/// Open addressing with linear probing: a client stands in the slot that its id's hash names, or in one of those behind it with no empty
/// slot between. For one thread.
/// </remarks>
internal sealed class ClientTable
{
    private const int SlotsMin = 8;

    private Slot[] _slots = new Slot[SlotsMin];     // A power of two; at most seven eighths are taken.

    private struct Slot
    {
        internal Principal? Principal;
        internal IActorRef? Session;
    }

    /// <summary>Clients in it.</summary>
    internal int Count { get; private set; }

    /// <summary>All clients, in no order; to be walked while none is added or removed.</summary>
    internal IEnumerable<(Principal Principal, IActorRef Session)> All
    {
        get
        {
            foreach (Slot slot in _slots)
            {
                if (slot.Principal is { } principal) yield return (principal, slot.Session!);
            }
        }
    }

    /// <summary>The session of a client, and who it is; null if it is not there.</summary>
    internal (Principal Principal, IActorRef Session)? Find(string client)
    {
        ref Slot slot = ref _slots[IndexOf(client)];
        return slot.Principal is { } principal ? (principal, slot.Session!) : null;
    }

    /// <summary>Adds a client.</summary>
    /// <returns>False, and nothing is changed, if there is one with its id.</returns>
    internal bool TryAdd(Principal principal, IActorRef session)
    {
        int index = IndexOf(principal.Client);
        if (_slots[index].Principal is not null) return false;
        if (Count + 1 > _slots.Length / 8 * 7)
        {
            Resize(_slots.Length * 2);
            index = IndexOf(principal.Client);
        }

        _slots[index] = new Slot { Principal = principal, Session = session };
        Count++;
        AssertInvariant();
        return true;
    }

    /// <summary>Removes a client.</summary>
    /// <returns>Whether it was there.</returns>
    internal bool Remove(string client)
    {
        int index = IndexOf(client);
        if (_slots[index].Principal is null) return false;
        Empty(index);
        Count--;

        // Half as many slots would still be less than half taken.
        if (_slots.Length > SlotsMin && Count < _slots.Length / 4) Resize(_slots.Length / 2);
        AssertInvariant();
        return true;
    }

    // Where a client stands; else the empty slot where it would.
    private int IndexOf(string client)
    {
        int mask = _slots.Length - 1;
        int index = HomeOf(client);
        while (_slots[index].Principal is { } principal && !string.Equals(principal.Client, client, StringComparison.Ordinal))
            index = (index + 1) & mask;
        return index;
    }

    private int HomeOf(string client) => client.GetHashCode(StringComparison.Ordinal) & (_slots.Length - 1);

    // Closes the gap: a client behind it moves into it, unless it stands at or behind its own home already.
    private void Empty(int gap)
    {
        int mask = _slots.Length - 1;
        for (int index = (gap + 1) & mask; _slots[index].Principal is { } principal; index = (index + 1) & mask)
        {
            int fromHome = (index - HomeOf(principal.Client)) & mask, fromGap = (index - gap) & mask;
            if (fromHome < fromGap) continue;
            _slots[gap] = _slots[index];
            gap = index;
        }

        _slots[gap] = default;
    }

    private void Resize(int slots)
    {
        Slot[] before = _slots;
        _slots = new Slot[slots];
        foreach (Slot slot in before)
        {
            if (slot.Principal is { } principal) _slots[IndexOf(principal.Client)] = slot;
        }
    }

    [Conditional("DEBUG")]
    private void AssertInvariant()
    {
        Debug.Assert(Count >= 0 && Count <= _slots.Length / 8 * 7);
        Debug.Assert((_slots.Length & (_slots.Length - 1)) == 0);
    }
}
