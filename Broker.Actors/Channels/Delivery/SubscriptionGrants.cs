using Broker.Actors.Channels.History;
using Broker.Actors.Access;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.SlowConsumers;

namespace Broker.Actors.Channels.Delivery;

/// <summary>What one subscription has: its channel's namespace, what access grants over that, and what the client asks for.</summary>
[Flags]
internal enum SubscriptionGrants : byte
{
    None = 0,

    /// <summary>It is watched for gaps.</summary>
    Positioned = 1,

    /// <summary>The client may recover.</summary>
    Recoverable = 2,

    /// <summary>The client shows up in presence.</summary>
    Presence = 4,

    /// <summary>Its join and leave are told to others.</summary>
    SendsJoinLeave = 8,

    /// <summary>The client is sent joins and leaves.</summary>
    GetsJoinLeave = 16,

    /// <summary>The client is sent deltas.</summary>
    Delta = 32,
}

/// <summary>Decides what a subscription has. Pure.</summary>
internal static class SubscriptionRules
{
    internal static SubscriptionGrants GrantsOf(Subscription subscription, SubscriptionTerms? terms)
    {
        ChannelNamespace options = subscription.Namespace;
        bool isKept = options.History.IsOn;
        bool recovers = isKept && (terms?.Recoverable ?? options.Recovery);
        bool hasPresence = terms?.Presence ?? options.Presence;
        bool getsJoinLeave = terms?.PushJoinLeave
            ?? (options.JoinLeave == JoinLeave.On
            || (options.JoinLeave == JoinLeave.Asked && subscription.Options.JoinLeave && MayAskWhoIsThere(subscription)));

        if (subscription.Format.Encoding.AsksForJoinLeave && !subscription.Options.JoinLeave) getsJoinLeave = false;

        // Under a policy that drops publications there is no base to make a difference from.
        bool hasDelta = options.Delta == DeltaKind.Fossil && options.SlowConsumer == SlowConsumerPolicy.Disconnect
            && subscription.Options.Delta == "fossil" && subscription.Format.Encoding.HasDeltas;
        return (isKept && (recovers || (terms?.Positioned ?? options.Positioning)) ? SubscriptionGrants.Positioned : 0)
            | (recovers ? SubscriptionGrants.Recoverable : 0)
            | (hasPresence ? SubscriptionGrants.Presence : 0)
            | (hasPresence && (terms?.JoinLeave ?? options.JoinLeave != JoinLeave.Off) ? SubscriptionGrants.SendsJoinLeave : 0)
            | (getsJoinLeave ? SubscriptionGrants.GetsJoinLeave : 0)
            | (hasDelta ? SubscriptionGrants.Delta : 0);
    }

    private static bool MayAskWhoIsThere(Subscription subscription) =>
        ChannelRules.Check(
            HubAction.Presence, subscription.Channel, subscription.Namespace, subscription.Info?.User ?? "", isSubscribed: true) is null;
}
