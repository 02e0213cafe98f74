namespace Broker.Actors.Channels.History;

/// <summary>How much of a channel is kept, and for how long. One instance for each namespace.</summary>
public sealed record HistoryOptions
{
    /// <summary>Keeps nothing.</summary>
    public static HistoryOptions Off { get; } = new();

    /// <summary>Publications that are kept; older ones are removed as new ones come. 0 keeps none.</summary>
    public int Size { get; init; }

    /// <summary>How long the list of a channel stays after its last publication, as a whole; the position stays. Zero keeps none.</summary>
    public TimeSpan Ttl { get; init; }

    /// <summary>How long the position of a channel stays after its last publication or read; afterwards it begins with a new epoch. At least <see cref="Ttl"/>.</summary>
    public TimeSpan MetaTtl { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Whether anything is kept.</summary>
    public bool IsOn => Size > 0 && Ttl > TimeSpan.Zero;
}
