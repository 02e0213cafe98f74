using Broker.Dialects.Echo;
using Broker.Dialects.Centrifuge;
using Broker.Dialects;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Reactor.Loops;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Streams;

/// <summary>Whole exchanges with a hub, from the client's bytes to the client's bytes.</summary>
/// <param name="isProtobuf">Whether clients use the Protobuf form; the tests say and see it as JSON.</param>
public abstract class HubSessionTests(bool isProtobuf)
{
    [Fact]
    public void The_connect_reply_has_the_ping_interval()
    {
        using var hub = new HubHarness() { IsProtobuf = isProtobuf };
        HubClient client = hub.Dial();

        client.Send("""{"id":1,"connect":{"name":"js"}}""");

        Assert.Matches(
            """^\{"id":1,"connect":\{"client":"[0-9a-f-]{36}","version":"1\.2\.3","ping":25,"pong":true\}\}$""", client.NextFrame());
    }

    [Fact]
    public void Several_commands_in_one_frame_are_answered_in_one_frame()
    {
        using var hub = new HubHarness() { IsProtobuf = isProtobuf };
        HubClient client = hub.Connect();

        client.Send("""{"id":2,"unsubscribe":{"channel":"a"}}""", """{"id":3,"rpc":{"method":"m"}}""", """{"send":{"data":1}}""",
            """{"id":4,"presence":{"channel":"a"}}""", """{"id":5,"publish":{"channel":"a","data":1}}""");

        Assert.Equal(
            """
            {"id":2,"unsubscribe":{}}
            {"id":3,"error":{"code":108,"message":"not available"}}
            {"id":4,"error":{"code":108,"message":"not available"}}
            {"id":5,"publish":{}}
            """,
            client.NextFrame());
    }

    public static TheoryData<string, int> Errors => new()
    {
        { """{"subscribe":{"channel":"mine"},"id":9}""", 105 },
        { $$"""{"subscribe":{"channel":"{{new string('x', 256)}}"},"id":9}""", 107 },
        { """{"subscribe":{"channel":"a\u0001"},"id":9}""", 107 },
        { """{"subscribe":{"channel":"a","token":"t"},"id":9}""", 108 },
        { """{"subscribe":{"channel":"a","type":1},"id":9}""", 108 },
        { """{"subscribe":{"channel":"a","tf":{"k":"v"}},"id":9}""", 107 },
        { """{"publish":{"channel":"a"},"id":9}""", 107 },
        { """{"publish":{"channel":"a","data":1,"type":1},"id":9}""", 108 },
        { """{"publish":{"channel":"a\u007f","data":1},"id":9}""", 107 },
        { """{"rpc":{"method":"m"},"id":9}""", 108 },
        { """{"presence":{"channel":"a"},"id":9}""", 108 },
        { """{"presence_stats":{"channel":"a"},"id":9}""", 108 },
        { """{"history":{"channel":"a"},"id":9}""", 108 },
        { """{"refresh":{"token":"t"},"id":9}""", 108 },
        { """{"sub_refresh":{"channel":"a","token":"t"},"id":9}""", 103 },
    };

    [Theory, MemberData(nameof(Errors))]
    public void A_failed_command_gets_an_error_and_the_connection_stays(string command, int code)
    {
        using var hub = new HubHarness() { IsProtobuf = isProtobuf };
        HubClient client = hub.Connect();
        client.Send("""{"id":2,"subscribe":{"channel":"mine"}}""");
        Assert.Equal("""{"id":2,"subscribe":{}}""", client.NextLine());

        client.Send(command);
        Assert.StartsWith($$"""{"id":9,"error":{"code":{{code}},""", client.NextLine(), StringComparison.Ordinal);

        client.Send("""{"id":10,"publish":{"channel":"b","data":1}}""");
        Assert.Equal("""{"id":10,"publish":{}}""", client.NextLine());
    }

    public static TheoryData<string> BadRequests =>
    [
        """{"id":9}""",
        """{"id":9,"dance":{}}""",
        """{"id":9,"connect":{}}""",
        """{"id":9,"subscribe":{"channel":""}}""",
        """{"id":9,"subscribe":{}}""",
        """{"id":9,"unsubscribe":{}}""",
        """{"id":9,"publish":{"data":1}}""",
        """{"id":9,"presence":{}}""",
        """{"id":9,"presence_stats":{}}""",
        """{"id":9,"history":{"limit":1}}""",
        """{"id":9,"sub_refresh":{"token":"t"}}""",
        """{"id":9,"subscribe":{"channel":"a","delta":"xdelta"}}""",
        """{"publish":{"channel":"a","data":1}}""",
        "hello",
        "",
        "\n",
    ];

    [Theory, MemberData(nameof(BadRequests))]
    public void A_bad_request_ends_the_connection_after_what_stood_before_it(string command)
    {
        using var hub = new HubHarness() { IsProtobuf = isProtobuf };
        HubClient client = hub.Connect();

        // As one read, so that nothing behind the bad request can have been on its way already.
        client.SendRaw([
            .. client.FrameOf("""{"id":2,"unsubscribe":{"channel":"a"}}"""),
            .. client.FrameOf(command),
            .. client.FrameOf("""{"id":3,"unsubscribe":{"channel":"a"}}"""),
        ]);

        Assert.Equal((3501, "bad request"), client.NextClose());
        Assert.Equal(["""{"id":2,"unsubscribe":{}}"""], client.LinesWithin(4));
        client.SendClose();
        Assert.Equal(1, hub.Counters.Ended(ClosureCause.ClosedByServer));
    }

    [Theory]
    [InlineData("fossil")]
    [InlineData("")]
    public void A_delta_that_is_known_is_not_confirmed(string delta)
    {
        using var hub = new HubHarness() { IsProtobuf = isProtobuf };
        HubClient client = hub.Connect();

        client.Send($$$"""{"id":2,"subscribe":{"channel":"a","delta":"{{{delta}}}","positioned":true,"recoverable":true,"join_leave":true}}""");

        Assert.Equal("""{"id":2,"subscribe":{}}""", client.NextLine());
    }

    [Fact]
    public void A_bad_request_before_connect_ends_the_connection_too()
    {
        using var hub = new HubHarness() { IsProtobuf = isProtobuf };
        HubClient client = hub.Dial();

        client.Send("""{"id":1,"subscribe":{"channel":"a"}}""");

        Assert.Equal((3501, "bad request"), client.NextClose());
    }

    [Fact]
    public void Before_connect_a_message_may_have_only_so_many_bytes()
    {
        using var hub =
            new HubHarness(new StandardSettings { Clients = new ClientSettings { BytesBeforeConnectMax = 1000 } })
                { IsProtobuf = isProtobuf };
        HubClient client = hub.Dial();

        client.Send($$$"""{"id":1,"connect":{"data":"{{{new string('x', 1000)}}}"}}""");

        (int code, string reason) = client.NextClose();
        Assert.Equal(1009, code);
        Assert.Contains("1000", reason, StringComparison.Ordinal);
    }

    [Fact]
    public void One_frame_may_hold_only_so_many_commands()
    {
        using var hub =
            new HubHarness(new StandardSettings { Centrifuge = new CentrifugeSettings { CommandsPerFrameMax = 3 } })
                { IsProtobuf = isProtobuf };
        HubClient client = hub.Connect();
        string[] commands = [.. Enumerable.Range(2, 4).Select(id => $$$"""{"id":{{{id}}},"unsubscribe":{"channel":"a"}}""")];

        client.Send(commands[..3]);
        Assert.Equal(3, client.NextLines(3).Length);
        client.Send(commands);

        Assert.Equal((3501, "bad request"), client.NextClose());
        Assert.Equal(3, client.NextLines(3).Length);
    }

    [Fact]
    public void A_publication_reaches_every_subscriber_and_is_acknowledged()
    {
        using var hub = new HubHarness() { IsProtobuf = isProtobuf };
        HubClient publisher = hub.Connect(), listener = hub.Connect(), stranger = hub.Connect();
        Listen(listener, "a");
        Listen(publisher, "a");

        publisher.Send("""{"id":3,"publish":{"channel":"a","data":{"text":"hello"}}}""");

        const string push =
            """^\{"push":\{"channel":"a","pub":\{"data":\{"text":"hello"\},"info":\{"user":"","client":"[0-9a-f-]{36}"\}\}\}\}$""";
        Assert.Matches(push, listener.NextLine());
        string[] own = publisher.NextLines(2);
        Assert.Contains("""{"id":3,"publish":{}}""", own);
        Assert.Contains(own, line => System.Text.RegularExpressions.Regex.IsMatch(line, push));
        Assert.Empty(stranger.LinesWithin(4));
    }

    [Fact]
    public void Unsubscribing_ends_deliveries_and_permits_another_subscribe()
    {
        using var hub = new HubHarness() { IsProtobuf = isProtobuf };
        HubClient publisher = hub.Connect(), listener = hub.Connect();
        Listen(listener, "a");

        listener.Send("""{"id":3,"unsubscribe":{"channel":"a"}}""");
        Assert.Equal("""{"id":3,"unsubscribe":{}}""", listener.NextLine());
        publisher.Send("""{"id":3,"publish":{"channel":"a","data":1}}""");
        Assert.Equal("""{"id":3,"publish":{}}""", publisher.NextLine());
        Assert.Empty(listener.LinesWithin(4));

        Listen(listener, "a");
        publisher.Send("""{"id":4,"publish":{"channel":"a","data":2}}""");
        Assert.Contains("\"data\":2", listener.NextLine(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_reply_to_a_subscribe_precedes_the_first_publication()
    {
        using var hub = new HubHarness() { IsProtobuf = isProtobuf };
        HubClient client = hub.Connect();

        client.Send(
            """{"id":2,"publish":{"channel":"a","data":"before"}}""",
            """{"id":3,"subscribe":{"channel":"a"}}""",
            """{"id":4,"publish":{"channel":"a","data":"after"}}""");

        string[] lines = client.NextLines(4);
        Assert.Equal("""{"id":3,"subscribe":{}}""", lines.Single(line => line.Contains("subscribe", StringComparison.Ordinal)));
        Assert.DoesNotContain(lines, line => line.Contains("before", StringComparison.Ordinal));
        Assert.True(Array.FindIndex(lines, line => line.Contains("\"id\":3", StringComparison.Ordinal)) < Array.FindIndex(
            lines, line => line.Contains("after", StringComparison.Ordinal)));
    }

    [Fact]
    public void Between_two_loops_every_listener_sees_one_order()
    {
        using var hub = new HubHarness(new StandardSettings { Reactors = 2 }) { IsProtobuf = isProtobuf };
        HubClient[] listeners = [hub.Connect(0), hub.Connect(1), hub.Connect(1)];
        HubClient[] publishers = [hub.Connect(0), hub.Connect(1)];
        foreach (HubClient listener in listeners) Listen(listener, "a");

        for (int i = 0; i < 50; i++)
        {
            publishers[i % 2].Send($$$"""{"id":{{{i + 3}}},"publish":{"channel":"a","data":{{{i}}}}}""");
            if (i % 3 == 0) hub.Loops[i % 2].RunOnce(0);
            if (i % 7 == 0) hub.Turn();
        }

        string[][] received = [.. listeners.Select(listener => listener.NextLines(50))];
        Assert.Equal(received[0], received[1]);
        Assert.Equal(received[0], received[2]);
        Assert.Equal(50, received[0].Distinct().Count());
        Assert.All(publishers,
            publisher =>
                Assert.Equal(25, publisher.NextLines(25).Count(line => line.EndsWith("\"publish\":{}}", StringComparison.Ordinal))));

        // Each publisher's own publications stand in its own order.
        int[] order =
            [.. received[0].Select(
                line => int.Parse(line.Split("\"data\":")[1].Split(',')[0], System.Globalization.CultureInfo.InvariantCulture))];
        Assert.Equal(order.Where(n => n % 2 == 0).Order(), order.Where(n => n % 2 == 0));
        Assert.Equal(order.Where(n => n % 2 == 1).Order(), order.Where(n => n % 2 == 1));
    }

    [Fact]
    public void An_echo_comes_back_as_it_was_sent()
    {
        using var hub = new HubHarness(new StandardSettings { Echo = new EchoSettings { Enabled = true } }) { IsProtobuf = isProtobuf };
        HubClient client = hub.Dial(path: "/echo");

        client.Send("hello");
        client.Send(new string('x', 70_000));

        Assert.Equal("hello", client.NextFrame());
        Assert.Equal(70_000, client.NextFrame().Length);
    }

    internal static void Listen(HubClient client, string channel)
    {
        client.Send($$$"""{"id":2,"subscribe":{"channel":"{{{channel}}}"}}""");
        Assert.Equal("""{"id":2,"subscribe":{}}""", client.NextLine());
    }
}

/// <summary>Over the JSON form.</summary>
public sealed class JsonHubSessionTests() : HubSessionTests(isProtobuf: false);

/// <summary>Over the Protobuf form.</summary>
public sealed class ProtobufHubSessionTests() : HubSessionTests(isProtobuf: true);
