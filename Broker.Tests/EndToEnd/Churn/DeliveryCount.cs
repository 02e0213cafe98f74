namespace Broker.Tests.EndToEnd.Churn;

/// <summary>Counts what became of every publication for one subscriber, or for many together.</summary>
/// <remarks>
/// Each publication is counted once: delivered, missed and told, or lost. Their sum is how many were published, so nothing can be
/// dropped: a subscriber that saw nothing has lost everything.
/// </remarks>
internal sealed record DeliveryCount
{
    /// <summary>Publications, of every subscriber.</summary>
    public long Published { get; private init; }

    /// <summary>Those that came, once and in order.</summary>
    public long Delivered { get; private init; }

    /// <summary>Those that did not come, in a gap of which the subscriber was told by <c>recovered: false</c>.</summary>
    public long Missed { get; private init; }

    /// <summary>Those that did not come, and no one said so.</summary>
    public long Lost { get; private init; }

    /// <summary>Publications that came again, or behind a later one.</summary>
    public long OutOfOrder { get; private init; }

    /// <summary>Subscriptions that went on without a gap, with publications that were missed meanwhile.</summary>
    public long Recoveries { get; private init; }

    /// <summary>Subscriptions of which the subscriber was told that they did not.</summary>
    public long FailedRecoveries { get; private init; }

    /// <summary>Counts for one subscriber that was there before the first publication.</summary>
    /// <param name="published">Publications have the numbers from 1 to this one.</param>
    /// <param name="seen">All that it saw.</param>
    /// <param name="hasOffsets">Whether the channel counts, so that its offsets are the numbers.</param>
    public static DeliveryCount Of(long published, IEnumerable<Sighting> seen, bool hasOffsets)
    {
        long delivered = 0, missed = 0, lost = 0, outOfOrder = 0, recoveries = 0, failedRecoveries = 0, next = 1;
        foreach (Sighting sighting in seen)
        {
            switch (sighting)
            {
                case Sighting.Subscribed { WasRecovering: true, Recovered: true } again:
                    if (again.WithPublications) recoveries++;
                    break;
                case Sighting.Subscribed { WasRecovering: true } again:
                    failedRecoveries++;
                    missed += Math.Max(0, again.Offset + 1 - next);
                    next = Math.Max(next, again.Offset + 1);
                    break;
                case Sighting.Published publication when publication.Number < next
                    || (hasOffsets && publication.Offset != publication.Number):
                    outOfOrder++;
                    break;
                case Sighting.Published publication:
                    lost += publication.Number - next;
                    delivered++;
                    next = publication.Number + 1;
                    break;
            }
        }

        return new DeliveryCount
        {
            Published = published,
            Delivered = delivered,
            Missed = missed,
            Lost = lost + published + 1 - next,
            OutOfOrder = outOfOrder,
            Recoveries = recoveries,
            FailedRecoveries = failedRecoveries,
        };
    }

    /// <summary>Both together.</summary>
    public static DeliveryCount operator +(DeliveryCount one, DeliveryCount other) => new()
    {
        Published = one.Published + other.Published,
        Delivered = one.Delivered + other.Delivered,
        Missed = one.Missed + other.Missed,
        Lost = one.Lost + other.Lost,
        OutOfOrder = one.OutOfOrder + other.OutOfOrder,
        Recoveries = one.Recoveries + other.Recoveries,
        FailedRecoveries = one.FailedRecoveries + other.FailedRecoveries,
    };
}
