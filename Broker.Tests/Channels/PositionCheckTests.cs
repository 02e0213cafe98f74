using System.Text;
using Broker.Actors.Access;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Api;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Model;
using Broker.Actors.Sessions;
using Broker.Dialects;
using Broker.Tests.Support;
using Xunit;
using HistoryOptions = Broker.Actors.Channels.History.HistoryOptions;

namespace Broker.Tests.Channels;

/// <summary>Publications that are lost on their way to a node, with nothing behind them that would show it.</summary>
public sealed class PositionCheckTests
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(0.1);     // So late a deadline of a loop may be, and some more.
    private static readonly HistoryOptions s_history = new() { Size = 10, Ttl = TimeSpan.FromMinutes(10), MetaTtl = TimeSpan.FromHours(1) };
    private static readonly ChannelNamespace s_kept = new() { Name = "kept", History = s_history, Recovery = true };

    [Fact]
    public void A_subscriber_is_notified_within_the_interval_and_recovers()
    {
        using HubHarness hub = Hub(s_kept);
        HubClient client = hub.Connect();
        string epoch = EpochIn(Subscribe(client, 2, "kept:a"));

        Lose(hub, "kept:a", "1");
        Assert.Empty(client.LinesWithin(4));
        hub.Advance(s_interval + s_tick);

        Assert.Equal("""{"push":{"channel":"kept:a","unsubscribe":{"code":2500,"reason":"insufficient state"}}}""", client.NextLine());
        Assert.Matches(
            "\"publications\":.{\"data\":1,.*\"recovered\":true",
                Subscribe(client, 3, "kept:a", $$""","recover":true,"epoch":"{{epoch}}","offset":0 """));
        Assert.Equal((0, 1), (Count(hub, NamespaceCount.PositionsKept), Count(hub, NamespaceCount.PositionsLost)));
        hub.Answer(hub.Api.PublishAsync("kept:a", Json("2")));
        Assert.Equal("""{"push":{"channel":"kept:a","pub":{"data":2,"offset":2}}}""", client.NextLine());
    }

    [Fact]
    public void A_subscriber_that_comes_after_the_loss_begins_behind_it()
    {
        using HubHarness hub = Hub(s_kept);
        HubClient early = hub.Connect(), late = hub.Connect();
        Subscribe(early, 2, "kept:a");
        Lose(hub, "kept:a", "1");
        hub.Advance(s_interval + s_tick);
        early.NextLine();

        Assert.Contains("\"offset\":1", Subscribe(late, 2, "kept:a"), StringComparison.Ordinal);
        hub.Advance(s_interval + s_tick);
        hub.Advance(s_interval + s_tick);
        Assert.DoesNotContain(late.LinesWithin(4), static line => line.Contains("unsubscribe", StringComparison.Ordinal));
    }

    [Fact]
    public void A_client_that_the_server_subscribed_is_disconnected()
    {
        using HubHarness hub = Hub(s_kept);
        HubClient client = hub.Connect();
        hub.Await(hub.Api.SubscribeAsync(new UserConnections(""), new ServerSubscription("kept:a")));
        client.NextLine();

        Lose(hub, "kept:a", "1");
        hub.Advance(s_interval + s_tick);

        Assert.Equal((3010, "insufficient state"), client.NextClose());
    }

    [Fact]
    public void One_check_serves_all_subscribers_of_a_channel()
    {
        using HubHarness hub = Hub(s_kept);
        for (int i = 0; i < 3; i++) Subscribe(hub.Connect(), 2, "kept:a");

        for (int i = 0; i < 3; i++) hub.Advance(s_interval + s_tick);

        Assert.Equal(3, Count(hub, NamespaceCount.PositionsKept));
    }

    [Fact]
    public void A_channel_without_positioned_subscribers_is_not_checked()
    {
        using HubHarness hub = Hub(s_kept with { Recovery = false }, s_kept with { Name = "left" });
        HubClient plain = hub.Connect(), leaves = hub.Connect();
        Subscribe(plain, 2, "kept:a");
        Subscribe(leaves, 2, "left:a");
        Ask(leaves, """{"id":3,"unsubscribe":{"channel":"left:a"}}""");

        Lose(hub, "kept:a", "1");
        for (int i = 0; i < 3; i++) hub.Advance(s_interval + s_tick);

        Assert.DoesNotContain(plain.LinesWithin(4), static line => line.Contains("unsubscribe", StringComparison.Ordinal));
        Assert.Equal((0, 0), (Count(hub, NamespaceCount.PositionsKept), Count(hub, NamespaceCount.PositionsLost)));
        Assert.Equal(0, Count(hub, NamespaceCount.PositionsKept, "left"));
    }

    [Fact]
    public void Live_subscribers_keep_the_position_of_a_silent_channel()
    {
        using HubHarness hub =
            Hub(s_kept with { History = s_history with { Ttl = TimeSpan.FromSeconds(5), MetaTtl = TimeSpan.FromSeconds(12) } });
        HubClient client = hub.Connect();
        Subscribe(client, 2, "kept:a");
        hub.Answer(hub.Api.PublishAsync("kept:a", Json("1")));
        client.NextLine();

        for (int i = 0; i < 4; i++) hub.Advance(s_interval + s_tick);
        hub.Answer(hub.Api.PublishAsync("kept:a", Json("2")));

        Assert.Contains(client.LinesWithin(4), static line => line.Contains("\"offset\":2", StringComparison.Ordinal));
    }

    // The home's store takes it, and no node is told: as if the message to the node were lost.
    private static void Lose(HubHarness hub, string channel, string json)
    {
        var publication = new Publication { Data = Encoding.UTF8.GetBytes(json), IsJson = true };
        ValueTask<AppendResult> kept = hub.Channels.StoreOf(0).AppendAsync(channel, new HistoryAppend(publication), s_history);
        Assert.True(kept.IsCompletedSuccessfully);
    }

    private static long Count(HubHarness hub, NamespaceCount count, string name = "kept") =>
        hub.Channels.Counters.Sum(home => home.Read(name, count));

    private static HubHarness Hub(params ChannelNamespace[] namespaces) =>
        new(new StandardSettings
        {
            Namespaces = namespaces,
            History = new HistorySettings { PositionCheckInterval = s_interval },
            Clients = new ClientSettings { PingInterval = TimeSpan.FromDays(20) },
        });

    private static PublishRequest Json(string json) => new(Encoding.UTF8.GetBytes(json)) { IsJson = true };

    private static string Subscribe(HubClient client, int id, string channel, string more = "") =>
        Ask(client, $$"""{"id":{{id}},"subscribe":{"channel":"{{channel}}"{{more}} } }""");

    private static string Ask(HubClient client, string command)
    {
        client.Send(command);
        return client.NextLine();
    }

    private static string EpochIn(string answer)
    {
        const string Member = "\"epoch\":\"";
        int start = answer.IndexOf(Member, StringComparison.Ordinal) + Member.Length;
        return answer[start..answer.IndexOf('"', start)];
    }
}
