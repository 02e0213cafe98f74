using System.Diagnostics;
using System.Numerics;

namespace Broker.Reactor.Loops;

/// <summary>What owns a <see cref="TimerEntry"/>.</summary>
internal interface ITimerOwner
{
    /// <summary>Called once the due time has passed, on the loop's thread; the entry may be scheduled again inside.</summary>
    /// <param name="nowMilliseconds">The loop's clock.</param>
    void OnDue(long nowMilliseconds);
}

/// <summary>One due time of its owner. It stands in a wheel at most once.</summary>
internal sealed class TimerEntry(ITimerOwner owner)
{
    internal const long Never = long.MaxValue;
    internal readonly ITimerOwner Owner = owner;
    internal TimerEntry? Next, Previous;
    internal int Slot = -1;
    internal long ArmedFor;

    /// <summary>When it is due, in milliseconds of the loop's clock; never, if it is not scheduled. Set by the wheel.</summary>
    internal long DueMilliseconds = Never;
}

/// <summary>
/// A hashed timing wheel: scheduling, moving and cancelling are constant work, and an entry that is only pushed back is not
/// even moved until the hand reaches it.
/// </summary>
/// <remarks>Pure: it is told the time. Deadlines fire up to one tick late, never early.</remarks>
internal sealed class TimerWheel
{
    internal const int TickMilliseconds = 64;
    private const int Slots = 1024;

    private readonly TimerEntry?[] _slots = new TimerEntry?[Slots];
    private readonly ulong[] _taken = new ulong[Slots / 64];
    private readonly List<TimerEntry> _due = [];
    private long _tick;
    private int _count;

    internal int Count => _count;

    /// <summary>Sets when an entry is due, in place of what was set before. Cheap when it is only pushed back.</summary>
    internal void Schedule(TimerEntry entry, long dueMilliseconds)
    {
        entry.DueMilliseconds = dueMilliseconds;
        if (entry.Slot >= 0)
        {
            if (dueMilliseconds >= entry.ArmedFor) return;
            Remove(entry);
        }

        if (dueMilliseconds == TimerEntry.Never) return;
        Insert(entry, dueMilliseconds);
    }

    /// <summary>Takes an entry out: its owner is not called.</summary>
    internal void Cancel(TimerEntry entry)
    {
        entry.DueMilliseconds = TimerEntry.Never;
        if (entry.Slot >= 0) Remove(entry);
    }

    /// <summary>Calls whatever is due by now.</summary>
    /// <remarks>What a callback throws comes out of here; those due beside it are called by the next advance.</remarks>
    internal void Advance(long nowMilliseconds)
    {
        CallDue(nowMilliseconds);
        long target = nowMilliseconds / TickMilliseconds;
        if (_count == 0)
        {
            _tick = target;
            return;
        }

        // After a long pause one round visits every slot once, which is enough.
        long from = Math.Max(_tick + 1, target - Slots + 1);
        for (long tick = from; tick <= target; tick++)
        {
            _tick = tick;
            int slot = (int)(tick & (Slots - 1));
            if ((_taken[slot >> 6] & (1UL << (slot & 63))) != 0) Visit(slot, nowMilliseconds);
        }

        _tick = target;
    }

    /// <summary>Milliseconds from now until the hand next reaches a taken slot; -1 when none is taken.</summary>
    internal int MillisecondsToNext(long nowMilliseconds)
    {
        if (_due.Count > 0) return 0;
        if (_count == 0) return -1;
        int start = (int)((_tick + 1) & (Slots - 1));
        for (int step = 0; step < Slots;)
        {
            int slot = (start + step) & (Slots - 1);
            ulong word = _taken[slot >> 6] >> (slot & 63);
            if (word != 0)
            {
                step += BitOperations.TrailingZeroCount(word);
                long dueTick = _tick + 1 + step;
                return (int)Math.Clamp((dueTick * TickMilliseconds) - nowMilliseconds, 0, int.MaxValue);
            }

            step += 64 - (slot & 63);
        }

        return Slots * TickMilliseconds;
    }

    // First every one is taken off its slot, then those that are due are called: what a call arms or takes off, itself
    // or a neighbour, finds the wheel in order.
    private void Visit(int slot, long nowMilliseconds)
    {
        for (TimerEntry? chain = _slots[slot]; chain is not null;)
        {
            TimerEntry one = chain;
            chain = one.Next;
            Remove(one);
            if (one.DueMilliseconds <= nowMilliseconds) _due.Add(one);
            else if (one.DueMilliseconds != TimerEntry.Never) Insert(one, one.DueMilliseconds);
        }

        CallDue(nowMilliseconds);
    }

    private void CallDue(long nowMilliseconds)
    {
        while (_due.Count > 0)
        {
            TimerEntry one = _due[^1];
            _due.RemoveAt(_due.Count - 1);
            if (one.Slot >= 0 || one.DueMilliseconds > nowMilliseconds) continue;
            one.DueMilliseconds = TimerEntry.Never;
            one.Owner.OnDue(nowMilliseconds);
        }
    }

    private void Insert(TimerEntry entry, long dueMilliseconds)
    {
        long tick = Math.Max((dueMilliseconds + TickMilliseconds - 1) / TickMilliseconds, _tick + 1);
        entry.ArmedFor = dueMilliseconds;
        Insert(entry, (int)(tick & (Slots - 1)));
    }

    private void Remove(TimerEntry entry)
    {
        int slot = entry.Slot;
        if (entry.Previous is null) _slots[slot] = entry.Next;
        else entry.Previous.Next = entry.Next;
        if (entry.Next is not null) entry.Next.Previous = entry.Previous;
        if (_slots[slot] is null) _taken[slot >> 6] &= ~(1UL << (slot & 63));
        entry.Next = entry.Previous = null;
        entry.Slot = -1;
        _count--;
        AssertInvariant(slot);
    }

    private void Insert(TimerEntry entry, int slot)
    {
        entry.Slot = slot;
        entry.Next = _slots[slot];
        if (entry.Next is not null) entry.Next.Previous = entry;
        _slots[slot] = entry;
        _taken[slot >> 6] |= 1UL << (slot & 63);
        _count++;
        AssertInvariant(slot);
    }

    // A slot is marked as taken exactly when a chain begins in it, and the first of a chain has none before it.
    [Conditional("DEBUG")]
    private void AssertInvariant(int slot)
    {
        Debug.Assert(_count >= 0);
        Debug.Assert(((_taken[slot >> 6] & (1UL << (slot & 63))) != 0) == (_slots[slot] is not null));
        Debug.Assert(_slots[slot] is not { } first || (first.Previous is null && first.Slot == slot));
    }
}
