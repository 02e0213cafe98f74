using System.Diagnostics.CodeAnalysis;
using Broker.Core.Protocol.Messages;

namespace Broker.Core.Protocol.Calls;

/// <summary>The calls of one connection that have no answer yet, in one direction: each leaves exactly once.</summary>
/// <remarks>
/// Serves the one who calls, to find who waits for an answer, and the one who is called, to find what a cancel stops. Told
/// the time. Allocates only to grow to the most calls that were pending at once. For one thread.
/// </remarks>
/// <typeparam name="T">What waits.</typeparam>
/// <param name="callsMax">Calls that may be pending at once.</param>
public sealed class CallTable<T>(int callsMax)
{
    // A heap by deadline in _heap; each slot knows its place there, so that a call leaves the middle in log n.
    private readonly Dictionary<uint, int> _slots = [];
    private Pending[] _pending = [];
    private int[] _heap = [];
    private int _free = -1;
    private int _used;

    /// <summary>Calls that are pending.</summary>
    public int Count => _slots.Count;

    /// <summary>When <see cref="TryExpire"/> has something to return; none without a deadline.</summary>
    public TimeSpan? NextDeadline => Count == 0 || DeadlineAt(0) == TimeSpan.MaxValue ? null : DeadlineAt(0);

    /// <summary>Adds a call.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="deadline">When its time is over, or <see cref="TimeSpan.MaxValue"/>.</param>
    /// <param name="state">What waits for it.</param>
    /// <returns>
    /// None; <see cref="FaultCode.BadId"/> when the number is that of a pending call, which goes on;
    /// <see cref="FaultCode.Overloaded"/> when there are as many as there may be.
    /// </returns>
    public FaultCode Add(uint id, TimeSpan deadline, T state)
    {
        if (_slots.ContainsKey(id)) return FaultCode.BadId;
        if (Count >= callsMax) return FaultCode.Overloaded;

        int slot = TakeSlot();
        int index = Count;
        _slots.Add(id, slot);
        _pending[slot] = new Pending(id, deadline, state);
        Put(slot, index);
        Rise(index);
        return FaultCode.None;
    }

    /// <summary>What waits for a call, which stays pending.</summary>
    public bool TryGet(uint id, [MaybeNullWhen(false)] out T state)
    {
        bool found = _slots.TryGetValue(id, out int slot);
        state = found ? _pending[slot].State : default;
        return found;
    }

    /// <summary>Takes a call out: it has its answer, or is cancelled.</summary>
    /// <returns>False when it is not pending: it was answered, has expired, or never was. Whatever came is ignored.</returns>
    public bool TryTake(uint id, [MaybeNullWhen(false)] out T state)
    {
        if (!_slots.TryGetValue(id, out int slot))
        {
            state = default;
            return false;
        }

        state = _pending[slot].State;
        Remove(slot);
        return true;
    }

    /// <summary>Takes out the next call whose time is over. Call it until it returns false.</summary>
    public bool TryExpire(TimeSpan now, out uint id, [MaybeNullWhen(false)] out T state)
    {
        if (Count > 0 && DeadlineAt(0) <= now) return TryTakeFirst(out id, out state);
        (id, state) = (0, default);
        return false;
    }

    /// <summary>Takes out any call: the connection is gone, and each fails once. Call it until it returns false.</summary>
    public bool TryTakeFirst(out uint id, [MaybeNullWhen(false)] out T state)
    {
        if (Count == 0)
        {
            (id, state) = (0, default);
            return false;
        }

        int slot = _heap[0];
        (id, state) = (_pending[slot].Id, _pending[slot].State);
        Remove(slot);
        return true;
    }

    private TimeSpan DeadlineAt(int index) => _pending[_heap[index]].Deadline;

    private int TakeSlot()
    {
        if (_free >= 0)
        {
            int slot = _free;
            _free = _pending[slot].HeapIndex;
            return slot;
        }

        if (_used == _pending.Length)
        {
            int size = Math.Max(4, _used * 2);
            Array.Resize(ref _pending, size);
            Array.Resize(ref _heap, size);
        }

        return _used++;
    }

    private void Remove(int slot)
    {
        int index = _pending[slot].HeapIndex;
        int last = Count - 1;
        _slots.Remove(_pending[slot].Id);
        if (index != last)
        {
            Put(_heap[last], index);
            Rise(index);
            Sink(index, last);
        }

        _pending[slot] = default;           // Releases what waited.
        _pending[slot].HeapIndex = _free;       // A free slot has its next one for a place.
        _free = slot;
    }

    private void Rise(int index)
    {
        while (index > 0)
        {
            int parent = (index - 1) / 2;
            if (DeadlineAt(parent) <= DeadlineAt(index)) return;
            Swap(parent, index);
            index = parent;
        }
    }

    private void Sink(int index, int count)
    {
        while (true)
        {
            int child = (2 * index) + 1;
            if (child >= count) return;
            if (child + 1 < count && DeadlineAt(child + 1) < DeadlineAt(child)) child++;
            if (DeadlineAt(index) <= DeadlineAt(child)) return;
            Swap(index, child);
            index = child;
        }
    }

    private void Swap(int one, int other)
    {
        int slot = _heap[one];
        Put(_heap[other], one);
        Put(slot, other);
    }

    private void Put(int slot, int index)
    {
        _heap[index] = slot;
        _pending[slot].HeapIndex = index;
    }

    private record struct Pending(uint Id, TimeSpan Deadline, T State)
    {
        public int HeapIndex { get; set; }
    }
}
