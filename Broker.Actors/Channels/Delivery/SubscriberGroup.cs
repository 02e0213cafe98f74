using Broker.Core.Filters;

namespace Broker.Actors.Channels.Delivery;

/// <summary>How a group of subscribers is sent deltas.</summary>
internal enum DeltaState : byte
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>The next publication as a whole: there is nothing yet that a difference could be made from.</summary>
    Whole,

    /// <summary>Differences.</summary>
    Difference,
}

/// <summary>What makes subscribers of one format one group: they are sent the very same bytes.</summary>
/// <param name="Delta">How they are sent deltas.</param>
/// <param name="Filter">The filter's text; empty for none.</param>
/// <param name="GetsJoinLeave">They are notified of joins and leaves.</param>
internal readonly record struct GroupKind(DeltaState Delta, string Filter, bool GetsJoinLeave)
{
    /// <summary>Most subscribers: everything, as it is.</summary>
    internal bool IsPlain => this == new GroupKind(DeltaState.None, "", false);
}

/// <summary>A channel's subscriptions of one loop that are sent the very same bytes, and the batch of the turn for them.</summary>
/// <param name="format">What they read.</param>
/// <param name="kind">What they are sent.</param>
internal sealed class SubscriberGroup(PublicationFormat format, GroupKind kind)
{
    /// <summary>The subscriptions, densely; each knows its place.</summary>
    internal List<Subscription> Members { get; } = [];

    /// <summary>What they read.</summary>
    internal PublicationFormat Format => format;

    /// <summary>What they are sent.</summary>
    internal GroupKind Kind => kind;

    /// <summary>Which publications they want; null for all.</summary>
    internal TagsFilter? Filter { get; init; }

    /// <summary>The publications of the turn; null where there is none.</summary>
    internal PublicationBatch? Batch { get; set; }

    /// <summary>The publications of the batch one by one, where slow members may drop some; otherwise null.</summary>
    internal List<BatchedPublication>? Batched { get; init; }

    /// <summary>The bytes of a publication for them, or null if they are not sent it.</summary>
    internal byte[]? Choose(in EncodedPublication publication)
    {
        int slot = format.Encoding.Slot;
        if (publication.IsPresence) return kind.GetsJoinLeave ? publication[slot] : null;
        if (Filter is not null && !Filter.Matches(publication.Extras?.Tags ?? [])) return null;
        return kind.Delta switch
        {
            DeltaState.None => publication[slot],
            DeltaState.Whole => publication.Deltas?.Whole(slot),
            _ => publication.Deltas?.Difference(slot),
        };
    }

    /// <summary>Whether they want a publication that goes by reference.</summary>
    internal bool WantsLong(in EncodedPublication publication) => Filter is null || Filter.Matches(publication.Extras?.Tags ?? []);

    internal void Add(Subscription subscription)
    {
        subscription.Group = this;
        subscription.Index = Members.Count;
        Members.Add(subscription);
    }

    internal void Remove(Subscription subscription)
    {
        Subscription last = Members[^1];
        Members[subscription.Index] = last;
        last.Index = subscription.Index;
        Members.RemoveAt(Members.Count - 1);
        subscription.Index = -1;
        subscription.Group = null;
    }
}

/// <summary>A publication of a batch, for those who are too slow to be sent the batch.</summary>
/// <param name="Encoded">Its bytes.</param>
/// <param name="Offset">Its offset, or 0.</param>
/// <param name="Key">What it replaces, or null.</param>
internal readonly record struct BatchedPublication(byte[] Encoded, ulong Offset, string? Key);
