using Broker.Actors.Api;
using Broker.Actors.Sessions;
using Broker.Dialects;
using System.Text;
using System.Text.RegularExpressions;
using Broker.Actors.Access;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Channels.SlowConsumers;
using Broker.Actors.Model;
using Broker.Actors.Settings;
using Broker.Core.Protocol.Messages;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Pipes;
using Broker.Tests.Support;
using HistoryOptions = Broker.Actors.Channels.History.HistoryOptions;
using HistoryWireOptions = Broker.Core.Protocol.Messages.HistoryOptions;

namespace Broker.Tests.Channels;

/// <summary>
/// What clients of the Centrifuge dialect and the server see of channels that keep something, over a whole hub with a clock moved by hand.
/// </summary>
/// <param name="isProtobuf">Whether clients use the Protobuf form; the tests say and see it as JSON.</param>
public abstract partial class ChannelSessionTests(bool isProtobuf)
{
    private static readonly HistoryOptions s_history = new() { Size = 10, Ttl = TimeSpan.FromMinutes(1), MetaTtl = TimeSpan.FromHours(1) };

    [Fact]
    public void A_client_that_comes_back_is_first_given_what_it_missed()
    {
        using HubHarness hub = Hub(new ChannelNamespace { Name = "kept", History = s_history, Recovery = true });
        HubClient writer = hub.Connect(), reader = hub.Connect();
        string epoch = EpochIn(Ask(reader, 2, """
            "subscribe":{"channel":"kept:a"}
            """));
        Publish(writer, "kept:a", 1, 2);
        Assert.Equal(
            """{"push":{"channel":"kept:a","pub":{"data":1,"info":CLIENT,"offset":1,"epoch":"EPOCH"}}}""", Plain(reader.NextLine()));
        reader.NextLine();
        Ask(reader, 3, """
            "unsubscribe":{"channel":"kept:a"}
            """);
        Publish(writer, "kept:a", 3, 4);

        string answer = Ask(reader, 4, $$"""
            "subscribe":{"channel":"kept:a","recover":true,"epoch":"{{epoch}}","offset":2}
            """);
        Publish(writer, "kept:a", 5);

        Assert.Equal(
            """{"id":4,"subscribe":{"recoverable":true,"epoch":"EPOCH","publications":[{"data":3,"info":CLIENT,"offset":3},{"data":4,"info":CLIENT,"offset":4}],"recovered":true,"offset":2,"positioned":true,"was_recovering":true}}""",
            Plain(answer));
        Assert.Equal("""{"push":{"channel":"kept:a","pub":{"data":5,"info":CLIENT,"offset":5}}}""", Plain(reader.NextLine()));
    }

    [Fact]
    public void A_position_of_another_epoch_is_not_recovered()
    {
        using HubHarness hub = Hub(new ChannelNamespace { Name = "kept", History = s_history, Recovery = true });
        HubClient client = hub.Connect();
        Publish(client, "kept:a", 1);

        Assert.Equal(
            """{"id":4,"subscribe":{"recoverable":true,"epoch":"EPOCH","offset":1,"positioned":true,"was_recovering":true}}""",
            Plain(Ask(client, 4, """
                "subscribe":{"channel":"kept:a","recover":true,"epoch":"other","offset":0}
                """)));
        HubClient strict = hub.Connect();
        Assert.Equal("""{"id":5,"error":{"code":112,"message":"unrecoverable position"}}""", Ask(strict, 5, """
            "subscribe":{"channel":"kept:a","recover":true,"epoch":"other","offset":0,"flag":2}
            """));
    }

    [Fact]
    public void A_native_client_recovers_the_same_publications()
    {
        using HubHarness hub = Hub(new ChannelNamespace { Name = "kept", History = s_history, Recovery = true });
        foreach (string data in (string[])["1", "2", "3"]) hub.Answer(hub.Api.PublishAsync("kept:a", Json(data)));
        NativeClient client = hub.ConnectNative();

        client.Send(NativeWriter.Message(
            new Subscribe { Request = 5, Options = SubscribeOptions.Recover, Offset = 1, Channel = "kept:a"u8 }));

        Assert.Equal(["subscribed 5 #1 at 3 Recoverable, Recovered", "delivery #1 2 2", "delivery #1 3 3"], client.Next(3));
        hub.Answer(hub.Api.PublishAsync("kept:a", Json("4")));
        Assert.Equal("delivery #1 4 4", client.Next());
    }

    [Fact]
    public void A_native_client_reads_history_in_pages()
    {
        using HubHarness hub = Hub(new ChannelNamespace { Name = "kept", History = s_history, HistoryAccess = ChannelAccess.Anonymous });
        string large = new('x', 200_000);
        foreach (string data in (string[])["1", "2", large, large, large, "6"]) hub.Answer(hub.Api.PublishAsync("kept:a", Json(data)));
        NativeClient client = hub.ConnectNative();

        Assert.Equal("history 1 to 6: 1=1 2=2", History(client, new HistoryRequest { Request = 1, Limit = 2, Channel = "kept:a"u8 }));
        Assert.Equal(
            "history 2 to 6: 6=6",
                History(client, new HistoryRequest { Request = 2, Limit = 1, Options = HistoryWireOptions.Reverse, Channel = "kept:a"u8 }));
        Assert.Equal("history 3 to 6:", History(client, new HistoryRequest { Request = 3, Channel = "kept:a"u8 }));
        ulong last = 2;
        while (last < 6)
        {
            string page =
                History(client,
                    new HistoryRequest { Request = 4, Limit = 100, Options = HistoryWireOptions.Since, Offset = last,
                        Channel = "kept:a"u8 });
            int fitting = page.Split('=').Length - 1;
            Assert.InRange(fitting, 1, 3);      // All of them are too many for a frame.
            for (int i = 0; i < fitting; i++) Assert.Contains($" {++last}=", page, StringComparison.Ordinal);
        }

        Assert.StartsWith(
            "error Request 112 id 6",
                History(client,
                    new HistoryRequest { Request = 6, Limit = 1, Options = HistoryWireOptions.Since, Epoch = 7, Channel = "kept:a"u8 }),
                        StringComparison.Ordinal);
        Assert.StartsWith(
            "error Request 108 id 7", History(client, new HistoryRequest { Request = 7, Limit = 1, Channel = "plain"u8 }),
                StringComparison.Ordinal);
    }

    private static string History(NativeClient client, HistoryRequest request)
    {
        client.Send(NativeWriter.Message(request));
        return client.Next();
    }

    [Fact]
    public void A_new_epoch_asks_live_subscribers_to_resubscribe()
    {
        using var hub = new HubHarness(new StandardSettings
        {
            Namespaces = [new ChannelNamespace { Name = "kept", History = s_history, Recovery = true }],
            // Each check would keep the epoch.
            History = new Broker.Actors.Channels.History.HistorySettings { PositionCheckInterval = TimeSpan.Zero },
        }) { IsProtobuf = isProtobuf };
        HubClient client = hub.Connect();
        Ask(client, 2, """
            "subscribe":{"channel":"kept:a"}
            """);
        foreach (string data in (string[])["1", "2"]) hub.Answer(hub.Api.PublishAsync("kept:a", Json(data)));
        client.NextLines(2);
        for (int i = 0; i < 300; i++)
        {
            hub.Advance(TimeSpan.FromSeconds(15));
            if (client.LinesWithin(1) is { Length: > 0 }) client.Send("{}");
        }

        hub.Answer(hub.Api.PublishAsync("kept:a", Json("3")));
        hub.Answer(hub.Api.PublishAsync("kept:a", Json("4")));

        Assert.Contains("\"unsubscribe\":{\"code\":2500", string.Concat(client.LinesWithin(4)), StringComparison.Ordinal);
    }

    [Fact]
    public void A_client_names_channels_as_it_connects()
    {
        using HubHarness hub =
            Hub(new ChannelNamespace { Name = "kept", History = s_history, Recovery = true },
                new ChannelNamespace { Name = "closed", Subscribe = ChannelAccess.None });
        HubClient client = hub.Dial();

        client.Send("""{"id":1,"connect":{"subs":{"kept:a":{},"closed:b":{},"plain":{}}}}""");

        string reply = client.NextLine();
        Assert.Contains("\"kept:a\":{\"recoverable\":true", reply, StringComparison.Ordinal);
        Assert.Contains("\"plain\":{", reply, StringComparison.Ordinal);
        Assert.DoesNotContain("closed:b", reply, StringComparison.Ordinal);
        hub.Answer(hub.Api.PublishAsync("plain", Json("1")));
        Assert.Contains("\"channel\":\"plain\"", client.NextLine(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_client_that_names_too_many_channels_or_an_unknown_one_is_disconnected()
    {
        using HubHarness hub = Hub(new ChannelNamespace { Name = "kept" });
        HubClient many = hub.Dial(), unknown = hub.Dial();

        many.Send("{\"id\":1,\"connect\":{\"subs\":{"
            + string.Join(',', Enumerable.Range(0, 129).Select(static number => $"\"{number}\":{{}}")) + "}}}");
        unknown.Send("""{"id":1,"connect":{"subs":{"nowhere:a":{}}}}""");

        Assert.Equal(3505, many.NextClose().Code);
        Assert.Equal(3501, unknown.NextClose().Code);
    }

    [Fact]
    public void Filters_pass_what_matches_and_others_get_all()
    {
        using HubHarness hub = Hub(new ChannelNamespace { Name = "ticks", TagsFilter = true });
        HubClient all = hub.Connect(), some = hub.Connect(), refused = hub.Connect();
        Ask(all, 2, """
            "subscribe":{"channel":"ticks:a"}
            """);
        Assert.Equal("""{"id":2,"subscribe":{}}""", Ask(some, 2, """
            "subscribe":{"channel":"ticks:a","tf":{"key":"t","cmp":"eq","val":"x"}}
            """));
        Assert.Contains("\"code\":107", Ask(refused, 2, """
            "subscribe":{"channel":"ticks:a","tf":{"key":"t","cmp":"like","val":"x"}}
            """), StringComparison.Ordinal);
        Assert.Contains("\"code\":107", Ask(refused, 3, """
            "subscribe":{"channel":"plain","tf":{"key":"t","cmp":"eq","val":"x"}}
            """), StringComparison.Ordinal);

        foreach (string tag in (string[])["y", "x"])
            hub.Answer(hub.Api.PublishAsync("ticks:a", Json($"\"{tag}\"") with { Tags = [KeyValuePair.Create("t", tag)] }));

        Assert.Equal(["""{"push":{"channel":"ticks:a","pub":{"data":"x","tags":{"t":"x"}}}}"""], some.LinesWithin(4));
        Assert.Equal(2, all.LinesWithin(1).Length);
    }

    [Fact]
    public void Deltas_begin_with_the_whole_and_then_are_differences()
    {
        using HubHarness hub = Hub(new ChannelNamespace { Name = "diff", History = s_history, Recovery = true, Delta = DeltaKind.Fossil });
        HubClient client = hub.Connect(), plain = hub.Connect();
        Assert.Contains("\"delta\":true", Ask(client, 2, """
            "subscribe":{"channel":"diff:a","delta":"fossil"}
            """), StringComparison.Ordinal);
        Assert.DoesNotContain("delta", Ask(plain, 2, """
            "subscribe":{"channel":"diff:a"}
            """), StringComparison.Ordinal);
        string text = new('x', 200);

        for (int i = 1; i <= 3; i++) hub.Answer(hub.Api.PublishAsync("diff:a", Json($$"""{"text":"{{text}}","n":{{i}} }""")));

        string[] lines = client.NextLines(3);
        // JSON has the bytes as a string, Protobuf as they are.
        string whole = isProtobuf ? "{\"text\":\"xxx" : "\"{\\\"text\\\":\\\"xxx";
        Assert.StartsWith("""{"push":{"channel":"diff:a","pub":{"data":""" + whole, lines[0], StringComparison.Ordinal);
        Assert.DoesNotContain("\"delta\":true", lines[0], StringComparison.Ordinal);
        Assert.All(lines[1..], line => Assert.Contains("\"delta\":true", line, StringComparison.Ordinal));
        Assert.All(lines[1..], line => Assert.True(line.Length < 140, line));
        Assert.All(plain.NextLines(3), line => Assert.Contains("\"data\":{\"text\":", line, StringComparison.Ordinal));
    }

    [Fact]
    public void Joins_and_leaves_of_a_large_channel_are_sent_together()
    {
        using HubHarness hub = Hub(new ChannelNamespace { Name = "here", Presence = true, JoinLeave = JoinLeave.On, CoalesceAbove = 1 });
        HubClient first = hub.Connect(), second = hub.Connect(), third = hub.Connect();
        const string Room = """
            "subscribe":{"channel":"here:a"}
            """;
        Ask(first, 2, Room);
        Assert.Contains("\"join\"", first.NextLine(), StringComparison.Ordinal);     // Its own; it was alone.
        Ask(second, 2, Room);
        Ask(third, 2, Room);
        Ask(third, 3, """
            "unsubscribe":{"channel":"here:a"}
            """);
        Assert.Empty(first.LinesWithin(2));

        hub.Advance(TimeSpan.FromSeconds(1.1));

        Assert.Contains("\"join\"", Assert.Single(first.LinesWithin(2)), StringComparison.Ordinal);
        Assert.Equal(new PresenceCounts(2, 1), hub.Answer(hub.Api.PresenceStatsAsync("here:a")));
    }

    [Fact]
    public void A_slow_subscriber_gets_the_gap_and_the_newest()
    {
        var settings = new StandardSettings
        {
            Reactor = new ReactorSettings { QueueBytesMax = 64 * 1024 },
            Namespaces =
                [new ChannelNamespace { Name = "ticks", History = s_history, Positioning = true,
                    SlowConsumer = SlowConsumerPolicy.DropOldest, SlowConsumerBytesMax = 32 * 1024 }],
            History = new Actors.Channels.History.HistorySettings { RecoveryBytesMax = 64 * 1024 },
        };
        using var hub = new HubHarness(settings) { IsProtobuf = isProtobuf };
        HubClient slow = hub.Connect(receiveBufferBytes: 4096), fast = hub.Connect();
        foreach (HubClient client in (HubClient[])[slow, fast])
        {
            Ask(client, 2, """
                "subscribe":{"channel":"ticks:a"}
                """);
        }

        string data = new('x', 4000);
        const int Count = 2500;
        int seen = 0;
        for (int i = 0; i < Count; i++)
        {
            hub.Answer(hub.Api.PublishAsync("ticks:a", Json($"\"{data}\"")));
            if (i % 5 == 0) seen += fast.LinesWithin(1).Length;
        }

        seen += fast.LinesWithin(8).Length;
        var lines = new List<string>();
        while (lines.Count == 0 || !lines[^1].Contains($"\"offset\":{Count}", StringComparison.Ordinal))
            lines.AddRange(slow.NextFrame().Split('\n'));

        Assert.Equal(Count, seen);
        ulong[] got =
            [.. lines.Select(line => Offset().Match(line)).Where(match => match.Success)
                .Select(match => ulong.Parse(match.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture))];
        ulong missed =
            lines.Select(line => Gaps().Match(line)).Where(match => match.Success)
                .Aggregate(0UL,
                (sum, match) => sum + ulong.Parse(match.Groups[1].ValueSpan, System.Globalization.CultureInfo.InvariantCulture));
        Assert.Equal(got.Order(), got);
        Assert.True(missed > 0);
        Assert.Equal((ulong)Count, (ulong)got.Length + missed);
    }

    [Fact]
    public void The_server_publishes_once_for_each_key_and_reads_history_and_presence()
    {
        using HubHarness hub = Hub(new ChannelNamespace { Name = "kept", History = s_history, Recovery = true, Presence = true });
        HubClient client = hub.Connect();
        Ask(client, 2, """
            "subscribe":{"channel":"kept:a"}
            """);

        PublishAnswer first = hub.Answer(hub.Api.PublishAsync("kept:a", Json("1") with { IdempotencyKey = "k" }));
        PublishAnswer again = hub.Answer(hub.Api.PublishAsync("kept:a", Json("1") with { IdempotencyKey = "k" }));
        IReadOnlyList<BroadcastAnswer> broadcast = hub.Answer(hub.Api.BroadcastAsync(["kept:a", "nowhere:b"], Json("2")));
        HistoryPage page = hub.Answer(hub.Api.HistoryAsync("kept:a", HistoryQuery.All));

        Assert.Equal((1UL, 1, false), (first.Position.Offset, first.Receivers, first.Suppressed));
        Assert.Equal((first.Position, 0, true), (again.Position, again.Receivers, again.Suppressed));
        Assert.Equal((2UL, HubError.UnknownChannel), (broadcast[0].Answer.Position.Offset, broadcast[1].Error));
        Assert.Equal("1 2", string.Join(' ', page.Publications.Select(each => Encoding.UTF8.GetString(each.Data.Span))));
        Assert.Single(hub.Answer(hub.Api.PresenceAsync("kept:a")));
        Assert.Equal(new Dictionary<string, int> { ["kept:a"] = 1 }, hub.Answer(hub.Api.ChannelsAsync("kept:*")));
        Assert.Empty(hub.Answer(hub.Api.ChannelsAsync("other*")));
        HubFigures figures = hub.Answer(hub.Api.InfoAsync());
        Assert.Equal((1, 1, 1, 1), (figures.Clients, figures.Users, figures.Subscriptions, figures.Channels));
        hub.Await(hub.Api.RemoveHistoryAsync("kept:a"));
        Assert.Empty(hub.Answer(hub.Api.HistoryAsync("kept:a", HistoryQuery.All)).Publications);
    }

    [Fact]
    public void The_server_subscribes_unsubscribes_and_disconnects_clients()
    {
        using HubHarness hub = Hub(new ChannelNamespace { Name = "kept", History = s_history, Recovery = true });
        HubClient client = hub.Connect();
        var anonymous = new UserConnections("");

        hub.Await(hub.Api.SubscribeAsync(anonymous, new ServerSubscription("kept:a")));
        Assert.Equal(
            """{"push":{"channel":"kept:a","subscribe":{"recoverable":true,"epoch":"EPOCH","positioned":true}}}""",
                Plain(client.NextLine()));
        hub.Answer(hub.Api.PublishAsync("kept:a", Json("1")));
        Assert.Contains("\"data\":1", client.NextLine(), StringComparison.Ordinal);
        hub.Await(hub.Api.UnsubscribeAsync(anonymous, "kept:a"));
        Assert.Equal("""{"push":{"channel":"kept:a","unsubscribe":{"code":2000,"reason":"server unsubscribe"}}}""", client.NextLine());
        hub.Await(hub.Api.DisconnectAsync(anonymous, DisconnectReason.ForceDisconnect));

        Assert.Equal((3503, "force disconnect"), client.NextClose());
    }

    [Fact]
    public void A_namespace_bounds_how_fast_and_how_much_is_published()
    {
        using HubHarness hub = Hub(new ChannelNamespace { Name = "calm", PublishRate = 1, MessageBytesMax = 10 });
        HubClient client = hub.Connect();
        const string Short = """
            "publish":{"channel":"calm:a","data":1}
            """;

        Assert.Contains("\"code\":106", Ask(client, 2, """
            "publish":{"channel":"calm:a","data":"0123456789"}
            """), StringComparison.Ordinal);
        foreach (int id in (int[])[3, 4]) Assert.Equal($"{{\"id\":{id},\"publish\":{{}}}}", Ask(client, id, Short));
        Assert.Contains("\"code\":111", Ask(client, 5, Short), StringComparison.Ordinal);
        hub.Advance(TimeSpan.FromSeconds(1.1));
        Assert.Equal("""{"id":6,"publish":{}}""", Ask(client, 6, Short));
    }

    // A first ping comes at a random moment of the interval: of this one, not while a test moves its clock.
    private HubHarness Hub(params ChannelNamespace[] namespaces) =>
        new(new StandardSettings { Namespaces = namespaces, Clients = new ClientSettings { PingInterval = TimeSpan.FromDays(20) } })
            { IsProtobuf = isProtobuf };

    private static PublishRequest Json(string json) => new(Encoding.UTF8.GetBytes(json)) { IsJson = true };

    private static string Ask(HubClient client, int id, string command)
    {
        client.Send($$"""{"id":{{id}},{{command.Trim()}}}""");
        return client.NextLine();
    }

    private static void Publish(HubClient client, string channel, params int[] data)
    {
        foreach (int each in data) Assert.Equal("""{"id":9,"publish":{}}""", Ask(client, 9, $$"""
            "publish":{"channel":"{{channel}}","data":{{each}} }
            """));
    }

    private static string EpochIn(string answer) => Epochs().Match(answer).Groups[1].Value;

    // Ids of clients and epochs are random.
    private static string Plain(string line) => Epochs().Replace(Clients().Replace(line, "\"info\":CLIENT"), "\"epoch\":\"EPOCH\"");

    [GeneratedRegex("\"info\":{\"user\":\"\",\"client\":\"[^\"]+\"}")]
    private static partial Regex Clients();

    [GeneratedRegex("\"epoch\":\"([0-9a-f]{16})\"")]
    private static partial Regex Epochs();

    [GeneratedRegex("\"offset\":([0-9]+)")]
    private static partial Regex Offset();

    [GeneratedRegex("\"gap\":{.*\"count\":([0-9]+)")]
    private static partial Regex Gaps();
}

/// <summary>Over the JSON form.</summary>
public sealed class JsonChannelSessionTests() : ChannelSessionTests(isProtobuf: false);

/// <summary>Over the Protobuf form.</summary>
public sealed class ProtobufChannelSessionTests() : ChannelSessionTests(isProtobuf: true);
