using Broker.Actors.Model;

namespace Broker.Actors.Channels.History;

/// <summary>A publication to be kept.</summary>
/// <param name="Publication">Everything but its offset, which the store gives it. Its data is one piece.</param>
public readonly record struct HistoryAppend(Publication Publication)
{
    /// <summary>
    /// A publication with a key that the channel has seen within <see cref="IdempotencyTtl"/> is not added again; null for none.
    /// </summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>How long the key is remembered.</summary>
    public TimeSpan IdempotencyTtl { get; init; }

    /// <summary>
    /// Counts versions of <see cref="PublicationExtras.Version"/>: a version that is not greater than the channel's last one is not added,
    /// unless both name an epoch, and another one. A publication without version resets the channel's.
    /// </summary>
    public string? VersionEpoch { get; init; }
}

/// <summary>What became of an append.</summary>
public enum AppendOutcome
{
    /// <summary>It has been added, and is to be delivered.</summary>
    Added,

    /// <summary>Its idempotency key was known: the position is that of the first one, and nothing is to be delivered.</summary>
    DuplicateKey,

    /// <summary>Its version is not newer: the position is the channel's, and nothing is to be delivered.</summary>
    StaleVersion,
}

/// <summary>Answer to an append.</summary>
/// <param name="Position">Where the publication stands; see <see cref="AppendOutcome"/>.</param>
/// <param name="Outcome">Whether it has been added.</param>
/// <param name="Added">The publication with its offset, to be delivered; <c>default</c> if it has not been added.</param>
public readonly record struct AppendResult(StreamPosition Position, AppendOutcome Outcome, Publication Added = default);

/// <summary>What is wanted of a channel's history.</summary>
/// <param name="Since">Publications behind this position, or before it if <paramref name="Reverse"/>; null for all.</param>
/// <param name="Limit">Publications at most; 0 asks for the position alone, a negative one for all.</param>
/// <param name="Reverse">Newest first.</param>
public readonly record struct HistoryQuery(StreamPosition? Since, int Limit, bool Reverse = false)
{
    /// <summary>A limit that is none.</summary>
    public const int NoLimit = -1;

    /// <summary>The position alone; the same as <c>default</c>.</summary>
    public static HistoryQuery PositionOnly => default;

    /// <summary>All publications that are kept, oldest first.</summary>
    public static HistoryQuery All { get; } = new(null, NoLimit);
}

/// <summary>Answer to a read.</summary>
/// <param name="Top">The channel's position.</param>
/// <param name="Publications">In the order asked for, with their offsets. Not to be changed.</param>
public sealed record HistoryPage(StreamPosition Top, IReadOnlyList<Publication> Publications)
{
    /// <summary>
    /// The epoch asked for is not the channel's: no publications. A client is told 112. Offsets alone, with epoch 0, fit every epoch.
    /// </summary>
    public bool IsForeignEpoch { get; init; }
}
