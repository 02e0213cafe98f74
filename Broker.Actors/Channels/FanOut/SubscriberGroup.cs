using Broker.Actors.Channels.Formats;

namespace Broker.Actors.Channels.FanOut;

/// <summary>A channel's subscriptions of one loop that are sent the very same bytes, and the batch of the turn for them.</summary>
/// <param name="format">What they read.</param>
internal sealed class SubscriberGroup(PublicationFormat format)
{
    /// <summary>The subscriptions, densely; each knows its place.</summary>
    internal List<Subscription> Members { get; } = [];

    /// <summary>What they read.</summary>
    internal PublicationFormat Format => format;

    /// <summary>The publications of the turn; null where there is none.</summary>
    internal PublicationBatch? Batch { get; set; }

    internal void Add(Subscription subscription)
    {
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
    }
}
