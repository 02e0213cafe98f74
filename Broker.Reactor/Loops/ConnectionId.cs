namespace Broker.Reactor.Loops;

/// <summary>Names one connection of one loop, for ever: its slot may be used again, its id is not.</summary>
/// <param name="Slot">The place in the loop's table.</param>
/// <param name="Generation">How often the slot had been taken before; a late command with an old one reaches no one.</param>
/// <param name="Loop">The number of the loop.</param>
public readonly record struct ConnectionId(int Slot, uint Generation, int Loop)
{
    /// <summary>As it stands in logs: loop, slot and generation.</summary>
    public override string ToString() => $"{Loop}.{Slot}.{Generation}";
}
