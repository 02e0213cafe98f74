namespace Broker.Actors.Channels.SlowConsumers;

/// <summary>A run of offsets of which some were dropped.</summary>
/// <param name="From">The first one dropped; 0 where the channel has no offsets.</param>
/// <param name="To">The last one dropped; 0 where the channel has no offsets.</param>
/// <param name="Count">How many of them: all, unless several runs had to be told as one.</param>
public readonly record struct Gap(ulong From, ulong To, ulong Count);

/// <summary>The offsets that a subscriber has missed, as few runs. For one thread.</summary>
public sealed class MissedOffsets
{
    /// <summary>Runs at most; of more, the two that are closest together become one.</summary>
    public const int RunsMax = 16;

    private readonly List<Gap> _runs = [];

    /// <summary>The runs, by offset.</summary>
    public IReadOnlyList<Gap> Runs => _runs;

    /// <summary>A publication was dropped.</summary>
    /// <param name="offset">Its offset, or 0.</param>
    public void Add(ulong offset)
    {
        int behind = _runs.FindLastIndex(run => run.From <= offset);
        if (behind >= 0 && IsJoined(_runs[behind], offset))
        {
            _runs[behind] = _runs[behind] with { To = Math.Max(offset, _runs[behind].To), Count = _runs[behind].Count + 1 };
        }
        else
        {
            _runs.Insert(++behind, new Gap(offset, offset, 1));
        }

        bool meetsNext = behind + 1 < _runs.Count && _runs[behind].To + 1 >= _runs[behind + 1].From;
        if (meetsNext) Join(behind);
        else if (_runs.Count > RunsMax) Join(ClosestPair());
    }

    /// <summary>Takes the runs.</summary>
    public IReadOnlyList<Gap> Take()
    {
        Gap[] taken = [.. _runs];
        _runs.Clear();
        return taken;
    }

    private static bool IsJoined(in Gap run, ulong offset) => offset <= run.To + 1 && (offset == 0) == (run.To == 0);

    private void Join(int index)
    {
        Gap next = _runs[index + 1];
        _runs[index] = new Gap(_runs[index].From, next.To, _runs[index].Count + next.Count);
        _runs.RemoveAt(index + 1);
    }

    private int ClosestPair()
    {
        int closest = 0;
        for (int i = 1; i + 1 < _runs.Count; i++)
        {
            if (_runs[i + 1].From - _runs[i].To < _runs[closest + 1].From - _runs[closest].To) closest = i;
        }

        return closest;
    }
}
