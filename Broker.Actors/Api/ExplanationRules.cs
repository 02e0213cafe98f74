using System.Globalization;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.SlowConsumers;
using Broker.Actors.Model;
using Broker.Actors.Recent;
using Broker.Actors.Sessions;
using Broker.Core.Counting;

namespace Broker.Actors.Api;

/// <summary>What is known when something is to be explained.</summary>
/// <param name="Client">The client's id.</param>
/// <param name="Channel">The channel.</param>
/// <param name="Options">Its namespace.</param>
internal sealed record ExplanationFacts(string Client, string Channel, ChannelNamespace Options)
{
    /// <summary>The publication; null where none was asked about.</summary>
    internal ulong? Offset { get; init; }

    /// <summary>The client, if it is connected.</summary>
    internal ClientDescription? Live { get; init; }

    /// <summary>What has ended of the client and the channel, the oldest first.</summary>
    internal IReadOnlyList<RecentEnd> Ends { get; init; } = [];

    /// <summary>Before this nothing is remembered; null where nothing was dropped.</summary>
    internal DateTimeOffset? DroppedBefore { get; init; }

    /// <summary>Where the channel stands; null where it has no history.</summary>
    internal ulong? Top { get; init; }

    /// <summary>The oldest offset that is kept; null for none.</summary>
    internal ulong? Oldest { get; init; }

    /// <summary>The publication, if it is kept.</summary>
    internal Publication? Kept { get; init; }
}

/// <summary>Judges the facts. Pure.</summary>
internal static class ExplanationRules
{
    /// <summary>Explains.</summary>
    internal static Explanation Explain(ExplanationFacts facts)
    {
        Explanation answer = facts switch
        {
            { Offset: not null, Top: null } =>
                Of(ExplanationKind.NotNumbered,
                    $"The namespace {NameOf(facts.Options)} keeps no history, so publications of {facts.Channel} have no lasting "
                        + $"positions; ask without an offset."),
            { Offset: { } offset, Top: { } top } when offset > top =>
                Of(ExplanationKind.NeverPublished,
                    $"Nothing was published at offset {offset}: the newest publication of {facts.Channel} is {top}."),
            { Live.Subscription: { } live } => facts.Offset is { } offset ? OfSubscriber(facts, live, offset) : OfSubscriber(facts, live),
            _ => OfOther(facts),
        };
        return answer with
        {
            IsConnected = facts.Live is not null,
            User = facts.Live?.User ?? ConnectionOf(facts)?.User,
            QueuedBytes = facts.Live?.QueuedBytes ?? 0,
            Since = facts.Live?.Subscription?.Since ?? answer.Since,
            UpTo = facts.Live?.Subscription?.UpTo ?? answer.UpTo,
            Top = facts.Top,
            Oldest = facts.Oldest,
        };
    }

    private static Explanation OfSubscriber(ExplanationFacts facts, SubscriptionDescription live)
    {
        bool isSlow = live.WaitingCount > 0 || live.Missed.Count > 0;
        string position = facts.Top is null ? "" : $" since offset {live.Since}, and publications up to {live.UpTo} came to it";
        return isSlow
            ? Of(ExplanationKind.Slow,
            $"The client is subscribed{position}, but reads too slowly: {live.WaitingCount} publications wait for it, and "
                + $"{Sum(live.Missed)} were dropped by {PolicyOf(facts.Options)}.")
            : facts.Live!.QueuedBytes > 0
                ? Of(ExplanationKind.Subscribed, $"The client is subscribed{position}; {facts.Live.QueuedBytes} bytes wait for it to read.")
                : Of(ExplanationKind.Subscribed, $"The client is subscribed{position}; nothing waits for it.");
    }

    private static Explanation OfSubscriber(ExplanationFacts facts, SubscriptionDescription live, ulong offset)
    {
        if (offset <= live.Since) return Earlier(facts, offset) ?? BeforeSubscribe(facts, live, offset);
        if (Missed(live.Missed, offset) is { } dropped) return Drop(facts, offset, dropped, at: null);
        if (GapAt(facts, offset) is { } gap) return Drop(facts, offset, new Gap(gap.From, gap.To, gap.Count), gap.Time);
        if (live.Waiting.Contains(offset))
            return Of(ExplanationKind.Waiting,
                $"The client reads too slowly: publication {offset} waits for it, as one of {live.WaitingCount}.");
        if (live.Filter is { } filter)
        {
            if (facts.Kept is not { } kept)
                return Of(ExplanationKind.FilterUnknown,
                    $"The client subscribed with a filter, and publication {offset} is not kept any more, so whether the filter matched it "
                        + $"cannot be determined.");
            if (!filter.Matches(kept.Extras?.Tags ?? []))
                return Of(ExplanationKind.Filtered,
                    $"The client subscribed with a filter that publication {offset} does not match: {TagsOf(kept)}.");
        }

        if (offset > live.UpTo)
            return Of(ExplanationKind.OnTheWay,
                $"Publication {offset} is in the channel, and has not come to this client's event loop: it is on its way, or was lost, "
                    + $"which the next check of positions finds.");
        return facts.Live!.QueuedBytes > 0
            ? Of(ExplanationKind.Queued,
            $"Publication {offset} was handed to the client's connection, where {facts.Live.QueuedBytes} bytes still wait for the client "
                + $"to read; it may be among them.")
            : Of(ExplanationKind.Delivered,
            $"Publication {offset} was handed to the client's connection, and nothing waits in the hub: the system sends it.");
    }

    // It was published before the subscription that there is, and belonged to no earlier one that is remembered.
    private static Explanation BeforeSubscribe(ExplanationFacts facts, SubscriptionDescription live, ulong offset)
    {
        string later = $"The client subscribed after publication {offset}, at offset {live.Since}";
        if (live.RecoverFrom is { } from && offset > from)
            return Of(ExplanationKind.NotRecovered,
                $"{later}; it asked for everything since {from}, and learned that this could not be given any more{HistoryOf(facts)}.");
        bool isGone = facts.Oldest is null || facts.Oldest > offset;
        return isGone
            ? Of(ExplanationKind.Expired, $"{later}, and the publication has left the history{HistoryOf(facts)}.")
            : Of(ExplanationKind.SubscribedLater, $"{later}, and did not ask for what was before; the history still has the publication.");
    }

    // Of a client without a subscription now.
    private static Explanation OfOther(ExplanationFacts facts)
    {
        RecentEnd? last = LastOf(facts, RecentEndKind.Subscription);
        if (facts.Offset is { } offset)
        {
            if (Earlier(facts, offset) is { } earlier) return earlier;
            if (last is { } ended && offset <= ended.From)
            {
                return Of(ExplanationKind.SubscribedLater,
                    $"The client subscribed after publication {offset}, at offset {ended.From}, and {WhyOf(facts, ended)}.") with { Since =
                        ended.From, UpTo = ended.To, Code = CodeOf(facts, ended), At = ended.Time };
            }
        }

        if (last is { } subscription)
        {
            bool isDisconnected = subscription.End == SubscriptionEnd.ConnectionEnded || facts.Live is null;
            string before = facts.Offset is { } missed ? $" before publication {missed}" : "";
            string upTo = facts.Top is null ? "" : $", having been sent everything up to offset {subscription.To}";
            return Of(
                isDisconnected && subscription.End == SubscriptionEnd.ConnectionEnded ? ExplanationKind.Disconnected
                    : ExplanationKind.SubscriptionEnded,
                $"The client was subscribed, but {WhyOf(facts, subscription)}{before}{upTo}.") with { Since = subscription.From, UpTo =
                    subscription.To, Code = CodeOf(facts, subscription), At = subscription.Time };
        }

        if (LastOf(facts, RecentEndKind.Refusal) is { } refusal)
            return Of(ExplanationKind.SubscribeRefused,
                $"The client asked to subscribe to {facts.Channel} at {TimeOf(refusal.Time)}, and was refused with error {refusal.Code}, "
                    + $"{refusal.Text}.") with { Code = refusal.Code, At = refusal.Time };
        if (ConnectionOf(facts) is { } connection)
            return Of(ExplanationKind.Disconnected,
                $"The client is not connected: {EndOf(connection)}. It had not subscribed to {facts.Channel}, as far as is "
                    + $"remembered{Since(facts)}.") with { Code = connection.Code, At = connection.Time };
        return facts.Live is not null
            ? Of(ExplanationKind.NotSubscribed,
            $"The client is connected, but has not subscribed to {facts.Channel}, as far as is remembered{Since(facts)}.")
            : Of(ExplanationKind.ClientUnknown,
            $"No client {facts.Client} is connected, and none that has gone is remembered{Since(facts)}.");
    }

    // A subscription that has ended since: it was there when the publication came.
    private static Explanation? Earlier(ExplanationFacts facts, ulong offset)
    {
        foreach (RecentEnd end in facts.Ends)
        {
            if (end.Kind != RecentEndKind.Subscription || offset <= end.From || offset > end.To) continue;
            if (GapAt(facts, offset) is { } gap) return Drop(facts, offset, new Gap(gap.From, gap.To, gap.Count), gap.Time);
            bool mayBeLost = end.End == SubscriptionEnd.ConnectionEnded && ConnectionOf(facts) is { MayHaveLost: true };
            string then =
                $"publication {offset} was handed to the client's connection while it was subscribed, from offset {end.From} to {end.To}; "
                    + $"later {WhyOf(facts, end)}";
            Explanation answer = mayBeLost
                ? Of(ExplanationKind.EndedWhileSending, $"Perhaps: {then}, and what was still queued then was lost.")
                : Of(ExplanationKind.Delivered, $"Yes: {then}.");
            return answer with { Since = end.From, UpTo = end.To, Code = CodeOf(facts, end), At = end.Time };
        }

        return null;
    }

    private static Explanation Drop(ExplanationFacts facts, ulong offset, in Gap gap, DateTimeOffset? at)
    {
        bool isExact = gap.Count == gap.To - gap.From + 1;
        string range =
            gap.From == gap.To ? "" : isExact ? $", with all others from {gap.From} to {gap.To}"
                : $"; of those from {gap.From} to {gap.To} {gap.Count} were dropped, and which ones is not remembered";
        string reported = at is { } time ? $" The client was notified at {TimeOf(time)}." : " The client is notified when it reads again.";
        return Of(ExplanationKind.Dropped,
            $"The client read too slowly, and publication {offset} was {(isExact ? "" : "perhaps ")}dropped by the policy "
                + $"{PolicyOf(facts.Options)}{range}.{reported}") with { At = at };
    }

    private static Gap? Missed(IReadOnlyList<Gap> gaps, ulong offset)
    {
        foreach (Gap gap in gaps)
        {
            if (gap.From <= offset && offset <= gap.To) return gap;
        }

        return null;
    }

    private static RecentEnd? GapAt(ExplanationFacts facts, ulong offset)
    {
        foreach (RecentEnd end in facts.Ends)
        {
            if (end.Kind == RecentEndKind.Gap && end.From <= offset && offset <= end.To) return end;
        }

        return null;
    }

    private static RecentEnd? LastOf(ExplanationFacts facts, RecentEndKind kind)
    {
        for (int i = facts.Ends.Count - 1; i >= 0; i--)
        {
            if (facts.Ends[i].Kind == kind) return facts.Ends[i];
        }

        return null;
    }

    private static RecentEnd? ConnectionOf(ExplanationFacts facts) => facts.Live is null ? LastOf(facts, RecentEndKind.Connection) : null;

    private static string WhyOf(ExplanationFacts facts, in RecentEnd end) => end.End switch
    {
        SubscriptionEnd.ByClient => $"unsubscribed at {TimeOf(end.Time)}",
        SubscriptionEnd.ByServer => $"was unsubscribed by the server (2000) at {TimeOf(end.Time)}",
        SubscriptionEnd.InsufficientState =>
            $"was unsubscribed at {TimeOf(end.Time)} because a publication or the channel was lost (2500), and has not subscribed again",
        SubscriptionEnd.Expired => $"its subscription expired (2501) at {TimeOf(end.Time)}",
        SubscriptionEnd.StateInvalidated => $"was asked to give up its state (2502) at {TimeOf(end.Time)}, and has not subscribed again",
        _ => ConnectionOf(facts) is { } connection ? EndOf(connection) : $"its connection ended at {TimeOf(end.Time)}",
    };

    private static int CodeOf(ExplanationFacts facts, in RecentEnd end) => end.End switch
    {
        SubscriptionEnd.ByServer => 2000,
        SubscriptionEnd.InsufficientState => 2500,
        SubscriptionEnd.Expired => 2501,
        SubscriptionEnd.StateInvalidated => 2502,
        SubscriptionEnd.ConnectionEnded => ConnectionOf(facts)?.Code ?? 0,
        _ => 0,
    };

    private static string EndOf(in RecentEnd connection) =>
        $"its connection ended at {TimeOf(connection.Time)} with code {connection.Code}, {connection.Text}";

    private static string Since(ExplanationFacts facts) =>
        facts.DroppedBefore is { } time ? $"; what ended before {TimeOf(time)} is no longer known" : "";

    private static string HistoryOf(ExplanationFacts facts)
    {
        string kept =
            $"the namespace {NameOf(facts.Options)} keeps {facts.Options.History.Size} publications for {facts.Options.History.Ttl}";
        return facts.Oldest is { } oldest ? $" ({kept}, now from {oldest} on)" : $" ({kept}, and has none now)";
    }

    private static string TagsOf(in Publication publication) => publication.Extras is { Tags.Count: > 0 } extras
        ? "its tags are " + string.Join(", ", extras.Tags.Select(static tag => $"{tag.Key}={tag.Value}"))
        : "it has no tags";

    private static ulong Sum(IReadOnlyList<Gap> gaps) => gaps.Aggregate(0UL, static (sum, gap) => sum + gap.Count);

    private static string PolicyOf(ChannelNamespace options) => CodeTable.SnakeOf(options.SlowConsumer.ToString()).Replace('_', '-');

    private static string NameOf(ChannelNamespace options) => options.Name.Length == 0 ? "of channels without a name" : options.Name;

    private static string TimeOf(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static Explanation Of(ExplanationKind kind, string text) => new(kind, text);
}
