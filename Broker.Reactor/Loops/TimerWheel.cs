using System.Diagnostics;
using System.Numerics;

namespace Broker.Reactor.Loops;

/// <summary>What has a due time in a <see cref="TimerWheel"/>.</summary>
internal interface ITimerOwner
{
    /// <summary>Its entry, a field of the owner that only the wheel reads and writes.</summary>
    ref TimerEntry Timer { get; }

    /// <summary>Called once the due time has passed, on the loop's thread; the owner may be scheduled again inside.</summary>
    /// <param name="nowMilliseconds">The loop's clock.</param>
    void OnDue(long nowMilliseconds);
}

/// <summary>The due time of its owner, and the owner's place in a wheel: it stands there at most once.</summary>
/// <remarks>A field and no object: most connections are idle, and each has one. <c>default</c> is not scheduled.</remarks>
internal struct TimerEntry
{
    internal const long Never = long.MaxValue;
    private const int NoSlot = -1;

    private long _due;
    private int _slotAndOne;
    private bool _isScheduled;
    internal ITimerOwner? Next, Previous;

    /// <summary>When it is due, in milliseconds of the loop's clock; never, if it is not scheduled. Set by the wheel.</summary>
    internal long DueMilliseconds
    {
        readonly get => _isScheduled ? _due : Never;
        set => (_due, _isScheduled) = (value, value != Never);
    }

    /// <summary>The slot whose chain it stands in; -1 while it stands in none.</summary>
    internal int Slot
    {
        readonly get => _slotAndOne - 1;
        set => _slotAndOne = value + 1;
    }

    internal readonly bool IsInSlot => Slot != NoSlot;

    internal void LeaveSlot() => (Next, Previous, Slot) = (null, null, NoSlot);
}

/// <summary>
/// A hashed timing wheel: scheduling, moving and cancelling are constant work, and an entry that is only pushed back is not
/// even moved until the hand reaches it.
/// </summary>
/// <remarks>Pure: the caller passes the time. Deadlines fire up to one tick late, never early.</remarks>
internal sealed class TimerWheel
{
    internal const int TickMilliseconds = 64;
    private const int Slots = 1024;

    private readonly ITimerOwner?[] _slots = new ITimerOwner?[Slots];
    private readonly ulong[] _taken = new ulong[Slots / 64];
    private readonly List<ITimerOwner> _due = [];
    private long _tick;
    private int _count;

    internal int Count => _count;

    /// <summary>Sets when an owner is due, in place of what was set before. Cheap when it is only pushed back.</summary>
    internal void Schedule(ITimerOwner owner, long dueMilliseconds)
    {
        ref TimerEntry entry = ref owner.Timer;
        entry.DueMilliseconds = dueMilliseconds;
        if (entry.IsInSlot)
        {
            if (TickOf(dueMilliseconds) >= NextVisitOf(entry.Slot)) return;
            Remove(ref entry);
        }

        if (dueMilliseconds != TimerEntry.Never) Insert(owner, ref entry);
    }

    /// <summary>Takes an owner out: it is not called.</summary>
    internal void Cancel(ITimerOwner owner)
    {
        ref TimerEntry entry = ref owner.Timer;
        entry.DueMilliseconds = TimerEntry.Never;
        if (entry.IsInSlot) Remove(ref entry);
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
        for (ITimerOwner? chain = _slots[slot]; chain is not null;)
        {
            ITimerOwner owner = chain;
            ref TimerEntry entry = ref owner.Timer;
            chain = entry.Next;
            Remove(ref entry);
            if (entry.DueMilliseconds <= nowMilliseconds) _due.Add(owner);
            else if (entry.DueMilliseconds != TimerEntry.Never) Insert(owner, ref entry);
        }

        CallDue(nowMilliseconds);
    }

    private void CallDue(long nowMilliseconds)
    {
        while (_due.Count > 0)
        {
            ITimerOwner owner = _due[^1];
            _due.RemoveAt(_due.Count - 1);
            ref TimerEntry entry = ref owner.Timer;
            if (entry.IsInSlot || entry.DueMilliseconds > nowMilliseconds) continue;
            entry.DueMilliseconds = TimerEntry.Never;
            owner.OnDue(nowMilliseconds);
        }
    }

    private void Insert(ITimerOwner owner, ref TimerEntry entry)
    {
        int slot = (int)(Math.Max(TickOf(entry.DueMilliseconds), _tick + 1) & (Slots - 1));
        entry.Slot = slot;
        entry.Next = _slots[slot];
        if (entry.Next is not null) entry.Next.Timer.Previous = owner;
        _slots[slot] = owner;
        _taken[slot >> 6] |= 1UL << (slot & 63);
        _count++;
        AssertInvariant(slot);
    }

    // The first tick at which it is due.
    private static long TickOf(long dueMilliseconds) =>
        dueMilliseconds == TimerEntry.Never ? long.MaxValue : (dueMilliseconds + TickMilliseconds - 1) / TickMilliseconds;

    // When the hand comes to a slot: an entry in it that is due then, or later, need not be moved.
    private long NextVisitOf(int slot) => _tick + 1 + ((slot - (_tick + 1)) & (Slots - 1));

    private void Remove(ref TimerEntry entry)
    {
        int slot = entry.Slot;
        if (entry.Previous is null) _slots[slot] = entry.Next;
        else entry.Previous.Timer.Next = entry.Next;
        if (entry.Next is not null) entry.Next.Timer.Previous = entry.Previous;
        if (_slots[slot] is null) _taken[slot >> 6] &= ~(1UL << (slot & 63));
        entry.LeaveSlot();
        _count--;
        AssertInvariant(slot);
    }

    // A slot is marked as taken exactly when a chain begins in it, and the first of a chain has none before it.
    [Conditional("DEBUG")]
    private void AssertInvariant(int slot)
    {
        Debug.Assert(_count >= 0);
        Debug.Assert(((_taken[slot >> 6] & (1UL << (slot & 63))) != 0) == (_slots[slot] is not null));
        Debug.Assert(_slots[slot] is not { } first || (first.Timer.Previous is null && first.Timer.Slot == slot));
    }
}
