namespace Broker.Client;

/// <summary>
/// Which offsets of a channel have come: all up to the last one, but for a few holes that long deliveries may still fill.
/// </summary>
/// <remarks>
/// What comes as a stream stands in no order, so a later offset may come before it; and where the connection is lost in between,
/// the place to go on from is in front of the first hole.
/// </remarks>
internal sealed class SeenOffsets
{
    /// <summary>Holes that are kept; with more, the first is given up.</summary>
    public const int HolesMax = 1024;

    private readonly List<Hole> _holes = [];      // Ascending; they neither touch nor overlap.

    /// <summary>The last offset that has come, or where the channel was when it began.</summary>
    public ulong Last { get; private set; }

    /// <summary>The last offset before which nothing is missing.</summary>
    public ulong Whole => _holes.Count == 0 ? Last : _holes[0].First - 1;

    /// <summary>Begins anew behind an offset.</summary>
    public void Reset(ulong last)
    {
        Last = last;
        _holes.Clear();
    }

    /// <summary>Takes an offset that has come.</summary>
    /// <returns>Whether it is new.</returns>
    public bool TryAdd(ulong offset) => Add(offset, 1) > 0;

    /// <summary>Takes offsets that have come, or never will.</summary>
    /// <param name="first">The first, from 1.</param>
    /// <param name="count">How many.</param>
    /// <returns>How many of them are new.</returns>
    public ulong Add(ulong first, ulong count)
    {
        if (count == 0) return 0;
        ulong last = first + count - 1;
        ulong added = Fill(first, last);
        if (last <= Last) return added;

        if (first > Last + 1) _holes.Add(new Hole(Last + 1, first - 1));
        added += last - Math.Max(first - 1, Last);
        Last = last;
        return added;
    }

    /// <summary>Gives up the first hole, if there are more than may be kept.</summary>
    /// <returns>How many offsets it had; 0 if none was given up.</returns>
    public ulong GiveUpOldest()
    {
        if (_holes.Count <= HolesMax) return 0;
        Hole oldest = _holes[0];
        _holes.RemoveAt(0);
        return oldest.Last - oldest.First + 1;
    }

    private ulong Fill(ulong first, ulong last)
    {
        ulong filled = 0;
        for (int i = _holes.Count - 1; i >= 0 && _holes[i].Last >= first; i--)
        {
            Hole hole = _holes[i];
            if (hole.First > last) continue;
            ulong from = Math.Max(first, hole.First), to = Math.Min(last, hole.Last);
            filled += to - from + 1;
            _holes.RemoveAt(i);
            if (to < hole.Last) _holes.Insert(i, new Hole(to + 1, hole.Last));
            if (hole.First < from) _holes.Insert(i, new Hole(hole.First, from - 1));
        }

        return filled;
    }

    private readonly record struct Hole(ulong First, ulong Last);
}
