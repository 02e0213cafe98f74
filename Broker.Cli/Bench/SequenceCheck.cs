namespace Broker.Cli.Bench;

/// <summary>Whether numbered messages come once each and in order: 0, 1, 2 and so on, from one sender.</summary>
/// <remarks>
/// Remembers the last 64 numbers. One that comes late within them is out of order and no longer lost; one that came already is a
/// duplicate. An older one cannot be told from a duplicate and is taken for one, so what was lost stays so: either way is a failure.
/// </remarks>
internal struct SequenceCheck
{
    private const int Remembered = 64;

    private ulong _seen;        // Bit i: whether number Next - 1 - i has come.

    /// <summary>The number that would be in order now.</summary>
    public long Next { get; private set; }

    /// <summary>Numbers that were passed over and have not come.</summary>
    public long Lost { get; private set; }

    /// <summary>Numbers that had come before.</summary>
    public long Duplicated { get; private set; }

    /// <summary>Numbers that came after a higher one.</summary>
    public long Disordered { get; private set; }

    /// <summary>Takes the number of the message that came.</summary>
    /// <returns>Whether it came for the first time.</returns>
    public bool Take(long number)
    {
        long behind = Next - 1 - number;
        if (behind < 0)
        {
            long step = -behind;
            Lost += step - 1;
            _seen = step < Remembered ? (_seen << (int)step) | 1 : 1;
            Next = number + 1;
            return true;
        }

        ulong bit = behind < Remembered ? 1UL << (int)behind : 0;
        if (bit == 0 || (_seen & bit) != 0)
        {
            Duplicated++;
            return false;
        }

        _seen |= bit;
        Lost--;
        Disordered++;
        return true;
    }

    /// <summary>Says how many were sent, so that those missing at the end are lost as well.</summary>
    public void Finish(long sent)
    {
        if (sent <= Next) return;
        Lost += sent - Next;
        Next = sent;
    }
}
