namespace Broker.Actors.Model;

/// <summary>A place in a channel's history.</summary>
/// <param name="Epoch">The life of the stream: another value means that offsets started anew. 0 stands for none.</param>
/// <param name="Offset">Of the newest publication that is meant; the first one has 1, and 0 is before it.</param>
public readonly record struct StreamPosition(ulong Epoch, ulong Offset)
{
    /// <summary>The epoch as text dialects carry it; empty for none.</summary>
    public string EpochText => StreamEpoch.ToText(Epoch);

    /// <inheritdoc />
    public override string ToString() => $"{Offset} of {EpochText}";
}
