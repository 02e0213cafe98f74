using System.Diagnostics;
using System.Numerics;

namespace Broker.Reactor.Loops;

/// <summary>Something that the loop calls when its time has come. One instance stands in a wheel at most once.</summary>
public abstract class TimerEntry
{
    internal const long Never = long.MaxValue;
    internal TimerEntry? Next, Previous;
    internal int Slot = -1;
    internal long ArmedFor;

    /// <summary>When it is due, in milliseconds of the loop's clock; never, if it is not set.</summary>
    internal long DueMilliseconds { get; private protected set; } = Never;

    /// <summary>Called once the due time has passed, on the loop's thread; a new due time may be set inside.</summary>
    /// <param name="nowMilliseconds">The loop's clock.</param>
    internal abstract void OnDue(long nowMilliseconds);
}

/// <summary>
/// A hashed timing wheel: arming, moving and taking off are constant work, and a deadline that is only pushed back is not
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

    /// <summary>Makes the wheel look at this deadline at its due time. Cheap when it is only pushed back.</summary>
    internal void Schedule(TimerEntry deadline, long dueMilliseconds)
    {
        if (deadline.Slot >= 0)
        {
            if (dueMilliseconds >= deadline.ArmedFor) return;
            Cancel(deadline);
        }

        if (dueMilliseconds == TimerEntry.Never) return;
        Insert(deadline, dueMilliseconds);
    }

    /// <summary>Drops a deadline.</summary>
    internal void Cancel(TimerEntry deadline)
    {
        if (deadline.Slot < 0) return;
        int slot = deadline.Slot;
        if (deadline.Previous is null) _slots[slot] = deadline.Next;
        else deadline.Previous.Next = deadline.Next;
        if (deadline.Next is not null) deadline.Next.Previous = deadline.Previous;
        if (_slots[slot] is null) _taken[slot >> 6] &= ~(1UL << (slot & 63));
        deadline.Next = deadline.Previous = null;
        deadline.Slot = -1;
        _count--;
        AssertInvariant(slot);
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
            Cancel(one);
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
            if (one.Slot < 0 && one.DueMilliseconds <= nowMilliseconds) one.OnDue(nowMilliseconds);
        }
    }

    private void Insert(TimerEntry deadline, long dueMilliseconds)
    {
        long tick = Math.Max((dueMilliseconds + TickMilliseconds - 1) / TickMilliseconds, _tick + 1);
        deadline.ArmedFor = dueMilliseconds;
        Insert(deadline, (int)(tick & (Slots - 1)));
    }

    private void Insert(TimerEntry deadline, int slot)
    {
        deadline.Slot = slot;
        deadline.Next = _slots[slot];
        if (deadline.Next is not null) deadline.Next.Previous = deadline;
        _slots[slot] = deadline;
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
