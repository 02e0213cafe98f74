using System.Text;
using Broker.Actors.Access;
using Broker.Actors.Api;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.SlowConsumers;
using Broker.Actors.Model;
using Broker.Actors.Sessions;
using Broker.Dialects;
using Broker.Reactor.Loops;
using Broker.Tests.Support;
using Xunit;
using HistoryOptions = Broker.Actors.Channels.History.HistoryOptions;

namespace Broker.Tests.Api;

/// <summary>Why a client did or did not get a publication: each case constructed over a whole hub, and asked as an operator asks.</summary>
public sealed class ExplainTests
{
    private static readonly HistoryOptions s_history = new() { Size = 3, Ttl = TimeSpan.FromMinutes(10), MetaTtl = TimeSpan.FromHours(1) };
    private static readonly ChannelNamespace s_kept = new() { Name = "kept", History = s_history, Recovery = true };

    [Fact]
    public void Delivered_to_a_subscriber()
    {
        using HubHarness hub = Hub(s_kept);
        (HubClient client, string id) = Connect(hub);
        Subscribe(client, "kept:a");
        Publish(hub, "kept:a", 2);
        client.NextLines(2);

        Explanation explained = Explain(hub, id, "kept:a", 2);

        Assert.Equal(ExplanationKind.Delivered, explained.Kind);
        Assert.Equal(
            "Publication 2 was handed to the client's connection, and nothing waits in the hub: the system sends it.", explained.Text);
        Assert.Equal((true, 0UL, 2UL, 2UL, 1UL), (explained.IsConnected, explained.Since, explained.UpTo, explained.Top, explained.Oldest));
        Assert.Equal(ExplanationKind.Subscribed, Explain(hub, id, "kept:a").Kind);
    }

    [Fact]
    public void Delivered_before_the_client_went()
    {
        using HubHarness hub = Hub(s_kept);
        (HubClient client, string id) = Connect(hub);
        Subscribe(client, "kept:a");
        Publish(hub, "kept:a", 1);
        client.NextLine();
        client.CloseAndWait(hub);

        Explanation explained = Explain(hub, id, "kept:a", 1);

        Assert.Equal(ExplanationKind.Delivered, explained.Kind);
        Assert.StartsWith(
            "Yes: publication 1 was handed to the client's connection while it was subscribed, from offset 0 to 1; later its connection "
                + "ended at ", explained.Text, StringComparison.Ordinal);
        Assert.Equal((false, 1000), (explained.IsConnected, explained.Code));
    }

    [Fact]
    public void Never_published()
    {
        using HubHarness hub = Hub(s_kept);
        (HubClient client, string id) = Connect(hub);
        Subscribe(client, "kept:a");
        Publish(hub, "kept:a", 1);

        Explanation explained = Explain(hub, id, "kept:a", 2);

        Assert.Equal(
            (ExplanationKind.NeverPublished, "Nothing was published at offset 2: the newest publication of kept:a is 1."),
                (explained.Kind, explained.Text));
    }

    [Fact]
    public void An_unknown_client_id()
    {
        using HubHarness hub = Hub(s_kept);
        Publish(hub, "kept:a", 1);

        Explanation explained = Explain(hub, "nobody", "kept:a", 1);

        Assert.Equal(
            (ExplanationKind.ClientUnknown, "No client nobody is connected, and none that has gone is remembered."),
                (explained.Kind, explained.Text));
    }

    [Fact]
    public void Connected_and_not_subscribed()
    {
        using HubHarness hub = Hub(s_kept);
        (_, string id) = Connect(hub);
        Publish(hub, "kept:a", 1);

        Explanation explained = Explain(hub, id, "kept:a", 1);

        Assert.Equal(
            (ExplanationKind.NotSubscribed, "The client is connected, but has not subscribed to kept:a, as far as is remembered."),
                (explained.Kind, explained.Text));
    }

    [Fact]
    public void Refused_as_it_subscribed()
    {
        using HubHarness hub = Hub(s_kept with { Subscribe = ChannelAccess.None });
        (HubClient client, string id) = Connect(hub);
        Subscribe(client, "kept:a");
        Publish(hub, "kept:a", 1);

        Explanation explained = Explain(hub, id, "kept:a", 1);

        Assert.Equal((ExplanationKind.SubscribeRefused, 103), (explained.Kind, explained.Code));
        Assert.EndsWith(", and was refused with error 103, permission denied.", explained.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Disconnected_by_the_server_before_it()
    {
        using HubHarness hub = Hub(s_kept);
        (HubClient client, string id) = Connect(hub);
        Subscribe(client, "kept:a");
        Publish(hub, "kept:a", 1);
        hub.Await(hub.Api.DisconnectAsync(new UserConnections(""), DisconnectReason.ForceDisconnect));
        client.NextClose();
        client.CloseAndWait(hub);
        Publish(hub, "kept:a", 1);

        Explanation explained = Explain(hub, id, "kept:a", 2);

        Assert.Equal((ExplanationKind.Disconnected, 3503, "", 1UL), (explained.Kind, explained.Code, explained.User, explained.UpTo));
        Assert.Matches(
            "^The client was subscribed, but its connection ended at .*Z with code 3503, closed by server: force disconnect before "
                + "publication 2, having been sent everything up to offset 1.$", explained.Text);
    }

    [Fact]
    public void Unsubscribed_by_the_server_before_it()
    {
        using HubHarness hub = Hub(s_kept);
        (HubClient client, string id) = Connect(hub);
        Subscribe(client, "kept:a");
        hub.Await(hub.Api.UnsubscribeAsync(new UserConnections(""), "kept:a"));
        client.NextLine();
        Publish(hub, "kept:a", 1);

        Explanation explained = Explain(hub, id, "kept:a", 1);

        Assert.Equal((ExplanationKind.SubscriptionEnded, 2000, true), (explained.Kind, explained.Code, explained.IsConnected));
        Assert.Matches(
            "^The client was subscribed, but was unsubscribed by the server .2000. at .* before publication 1, having been sent everything "
                + "up to offset 0.$", explained.Text);
    }

    [Fact]
    public void Subscribed_after_it()
    {
        using HubHarness hub = Hub(s_kept);
        Publish(hub, "kept:a", 5);
        (HubClient client, string id) = Connect(hub);
        Subscribe(client, "kept:a");

        Explanation still = Explain(hub, id, "kept:a", 4), gone = Explain(hub, id, "kept:a", 1);

        Assert.Equal(
            (ExplanationKind.SubscribedLater,
                "The client subscribed after publication 4, at offset 5, and did not ask for what was before; the history still has the "
                    + "publication."), (still.Kind, still.Text));
        Assert.Equal(
            (ExplanationKind.Expired,
                "The client subscribed after publication 1, at offset 5, and the publication has left the history (the namespace kept "
                    + "keeps 3 publications for 00:10:00, now from 3 on)."), (gone.Kind, gone.Text));
    }

    [Fact]
    public void Not_recovered_as_it_came_back()
    {
        using HubHarness hub = Hub(s_kept);
        Publish(hub, "kept:a", 5);
        (HubClient client, string id) = Connect(hub);
        Subscribe(client, "kept:a", ""","recover":true,"epoch":"other","offset":1""");

        Explanation explained = Explain(hub, id, "kept:a", 2);

        Assert.Equal(ExplanationKind.NotRecovered, explained.Kind);
        Assert.StartsWith(
            "The client subscribed after publication 2, at offset 5; it asked for everything since 1, and learned that this could not be "
                + "given any more", explained.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Recovered_as_it_came_back()
    {
        using HubHarness hub = Hub(s_kept);
        Publish(hub, "kept:a", 3);
        (HubClient client, string id) = Connect(hub);
        Subscribe(client, "kept:a", ""","recover":true,"offset":1""");

        Assert.Equal(
            (ExplanationKind.SubscribedLater, ExplanationKind.Delivered),
                (Explain(hub, id, "kept:a", 1).Kind, Explain(hub, id, "kept:a", 2).Kind));
    }

    [Fact]
    public void Excluded_by_its_filter()
    {
        using HubHarness hub = Hub(s_kept with { TagsFilter = true });
        (HubClient client, string id) = Connect(hub);
        Subscribe(client, "kept:a", ""","tf":{"key":"t","cmp":"eq","val":"x"}""");
        hub.Answer(hub.Api.PublishAsync(
            "kept:a", new PublishRequest("1"u8.ToArray()) { IsJson = true, Tags = [KeyValuePair.Create("t", "y")] }));
        hub.Answer(hub.Api.PublishAsync(
            "kept:a", new PublishRequest("1"u8.ToArray()) { IsJson = true, Tags = [KeyValuePair.Create("t", "x")] }));
        client.NextLine();

        Explanation explained = Explain(hub, id, "kept:a", 1);

        Assert.Equal(
            (ExplanationKind.Filtered, "The client subscribed with a filter that publication 1 does not match: its tags are t=y."),
                (explained.Kind, explained.Text));
        Assert.Equal(ExplanationKind.Delivered, Explain(hub, id, "kept:a", 2).Kind);
        Publish(hub, "kept:a", 3);
        Assert.Equal(ExplanationKind.FilterUnknown, Explain(hub, id, "kept:a", 1).Kind);
    }

    [Fact]
    public void Dropped_waiting_queued_or_lost_of_a_slow_client()
    {
        const int Count = 5000;
        var settings = new StandardSettings
        {
            Reactor = new ReactorSettings { QueueBytesMax = 64 * 1024 },
            Namespaces = [s_kept with { Recovery = false, SlowConsumer = SlowConsumerPolicy.DropOldest, SlowConsumerBytesMax = 8 * 1024 }],
            Clients = new ClientSettings { PingInterval = TimeSpan.FromHours(1) },
            History = new HistorySettings { RecoveryBytesMax = 16 * 1024 },
        };
        using var hub = new HubHarness(settings);
        (HubClient slow, string id) = Connect(hub, receiveBufferBytes: 4096);
        Subscribe(slow, "kept:a");
        string data = $"\"{new string('x', 2000)}\"";
        for (int i = 0; i < Count; i++)
            hub.Answer(hub.Api.PublishAsync("kept:a", new PublishRequest(Encoding.UTF8.GetBytes(data)) { IsJson = true }));

        Explanation dropped = Explain(hub, id, "kept:a", Count - 20), waiting = Explain(hub, id, "kept:a", Count), queued =
            Explain(hub, id, "kept:a", 1), now = Explain(hub, id, "kept:a");

        Assert.Equal(ExplanationKind.Dropped, dropped.Kind);
        Assert.Matches(
            $"^The client read too slowly, and publication {Count - 20} was dropped by the policy drop-oldest, with all others from .* The "
                + $"client is notified when it reads again.$", dropped.Text);
        Assert.Equal(ExplanationKind.Waiting, waiting.Kind);
        Assert.Equal(ExplanationKind.Queued, queued.Kind);
        Assert.True(queued.QueuedBytes > 0);
        Assert.Equal(ExplanationKind.Slow, now.Kind);

        slow.Dispose();
        hub.RunUntil(() => hub.Counters.Open == 0, "the slow client has gone");
        hub.Turn(4);
        Explanation lost = Explain(hub, id, "kept:a", 1);
        Assert.Equal(ExplanationKind.EndedWhileSending, lost.Kind);
        Assert.StartsWith(
            "Perhaps: publication 1 was handed to the client's connection while it was subscribed", lost.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_publication_lost_on_its_way_is_reported()
    {
        using HubHarness hub = Hub(s_kept);
        (HubClient client, string id) = Connect(hub);
        Subscribe(client, "kept:a");
        var lost = new HistoryAppend(new Publication { Data = "1"u8.ToArray(), IsJson = true });
        ValueTask<AppendResult> kept = hub.Channels.StoreOf(0).AppendAsync("kept:a", lost, s_history);
        Assert.True(kept.IsCompletedSuccessfully);

        Assert.Equal(ExplanationKind.OnTheWay, Explain(hub, id, "kept:a", 1).Kind);
        hub.Advance(TimeSpan.FromSeconds(41));
        Explanation reported = Explain(hub, id, "kept:a", 1);
        Assert.Equal((ExplanationKind.SubscriptionEnded, 2500), (reported.Kind, reported.Code));
    }

    [Fact]
    public void A_channel_without_positions_is_explained_without_them()
    {
        using HubHarness hub = Hub(s_kept, new ChannelNamespace { Name = "plain" });
        (HubClient client, string id) = Connect(hub);
        Subscribe(client, "plain:a");

        Assert.Equal(ExplanationKind.NotNumbered, Explain(hub, id, "plain:a", 1).Kind);
        Assert.Equal(
            (ExplanationKind.Subscribed, "The client is subscribed; nothing waits for it."),
                (Explain(hub, id, "plain:a").Kind, Explain(hub, id, "plain:a").Text));
        Assert.Equal(
            (ExplanationKind.ChannelUnknown, "Nobody can subscribe to none:a: its namespace is not configured."),
                (Explain(hub, id, "none:a").Kind, Explain(hub, id, "none:a").Text));
        Assert.Throws<HubApiException>(() => Explain(hub, id, "", 1));
        Assert.Throws<HubApiException>(() => Explain(hub, id, "kept:a", 0));
    }

    private static Explanation Explain(HubHarness hub, string client, string channel, ulong? offset = null) =>
        hub.Answer(hub.Api.ExplainAsync(client, channel, offset));

    private static void Publish(HubHarness hub, string channel, int count)
    {
        for (int i = 0; i < count; i++) hub.Answer(hub.Api.PublishAsync(channel, new PublishRequest("1"u8.ToArray()) { IsJson = true }));
    }

    private static (HubClient Client, string Id) Connect(HubHarness hub, int? receiveBufferBytes = null)
    {
        HubClient client = hub.Dial(receiveBufferBytes: receiveBufferBytes);
        client.Send("""{"id":1,"connect":{}}""");
        const string Member = "\"client\":\"";
        string answer = client.NextLine();
        int start = answer.IndexOf(Member, StringComparison.Ordinal) + Member.Length;
        return (client, answer[start..answer.IndexOf('"', start)]);
    }

    private static void Subscribe(HubClient client, string channel, string more = "")
    {
        client.Send($$"""{"id":2,"subscribe":{"channel":"{{channel}}"{{more}} } }""");
        client.NextLine();
    }

    private static HubHarness Hub(params ChannelNamespace[] namespaces) =>
        new(new StandardSettings { Namespaces = namespaces, Clients = new ClientSettings { PingInterval = TimeSpan.FromHours(1) } });
}

internal static class ClosedClients
{
    /// <summary>Ends the only connection in good order, and waits until the hub has seen it.</summary>
    internal static void CloseAndWait(this HubClient client, HubHarness hub)
    {
        client.SendClose();
        hub.RunUntil(() => hub.Counters.Open == 0, "the client has gone");
        hub.Turn(4);
    }
}
