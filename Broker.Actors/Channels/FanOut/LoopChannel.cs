using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.SlowConsumers;

namespace Broker.Actors.Channels.FanOut;

/// <summary>A channel's subscriptions on one loop, in groups that are sent the same bytes.</summary>
internal sealed class LoopChannel(string name, int home, int formats)
{
    private List<SubscriberGroup>? _special;        // From the first subscriber on that wants something of its own.

    internal readonly string Name = name;
    internal readonly int Home = home;
    internal readonly SubscriberGroup?[] Plain = new SubscriberGroup?[formats];    // By format.

    /// <summary>Stands among those to be sent at the turn's end.</summary>
    internal bool IsBatched { get; set; }

    /// <summary>The offset of the newest publication that came here.</summary>
    internal ulong LastOffset { get; set; }

    /// <summary>Groups beside the plain ones.</summary>
    internal IReadOnlyList<SubscriberGroup> Special => _special ?? (IReadOnlyList<SubscriberGroup>)[];

    internal IEnumerable<SubscriberGroup> Groups => Plain.OfType<SubscriberGroup>().Concat(Special);

    internal bool HasMembers => Array.Exists(Plain, static group => group is { Members.Count: > 0 }) || _special is { Count: > 0 };

    /// <summary>The group that a subscription belongs to.</summary>
    internal SubscriberGroup GroupFor(Subscription subscription, DeltaState delta)
    {
        bool hasFilter = subscription.Filter is not null && delta == DeltaState.None;
        var kind = new GroupKind(
            delta, hasFilter ? subscription.FilterText : "", subscription.Grants.HasFlag(SubscriptionGrants.GetsJoinLeave));
        if (kind.IsPlain) return Plain[subscription.Format.Slot] ??= Make(subscription, kind);
        SubscriberGroup? known = _special?.Find(each => each.Format == subscription.Format && each.Kind == kind);
        if (known is not null) return known;
        (_special ??= []).Add(known = Make(subscription, kind));
        return known;
    }

    private static SubscriberGroup Make(Subscription subscription, GroupKind kind) => new(subscription.Format, kind)
    {
        Filter = kind.Filter.Length > 0 ? subscription.Filter : null,
        Batched = subscription.Namespace.SlowConsumer == SlowConsumerPolicy.Disconnect ? null : [],
    };

    /// <summary>Takes a subscription out, and its group with the last one.</summary>
    internal void Remove(Subscription subscription)
    {
        SubscriberGroup group = subscription.Group!;
        group.Remove(subscription);
        if (group.Members.Count == 0 && _special?.Remove(group) == true && _special.Count == 0) _special = null;
    }
}
