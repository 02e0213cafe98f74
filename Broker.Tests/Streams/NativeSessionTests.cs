using Broker.Actors.Channels.Namespaces;
using Broker.Dialects.Native;
using Broker.Dialects;
using System.Text.RegularExpressions;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;
using Broker.Reactor.Loops;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.NativeClient;
using static Broker.Tests.Support.Wire;

namespace Broker.Tests.Streams;

/// <summary>The native protocol through a whole hub whose turns the test takes.</summary>
public sealed partial class NativeSessionTests
{
    [Theory, InlineData(true, 4096), InlineData(false, 1)]
    public void Hello_is_answered_with_the_limits(bool batched, int messagesPerFrame)
    {
        using var hub = new HubHarness();
        NativeClient client = hub.DialNative(batched);

        client.Send(Hello());

        Assert.Equal($"welcome 1 524288 {messagesPerFrame} 25000", client.Next());
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_publication_reaches_every_subscriber_and_returns_their_count(bool batched)
    {
        using var hub = new HubHarness(new StandardSettings { Reactors = 2 });
        NativeClient publisher = hub.ConnectNative(batched), near = hub.ConnectNative(batched), far = hub.ConnectNative(!batched, loop: 1);
        near.Send(Subscribe(1, "a"));
        Assert.Equal("subscribed 1 #1 at 0", near.Next());
        publisher.Send(Publish(1, "a", "one"));
        Assert.Equal("published 1 to 1 at 1", publisher.Next());
        far.Send(Subscribe(1, "a"));
        Assert.Equal("subscribed 1 #1 at 1", far.Next());

        publisher.Send(Publish(2, "a", "two"), Publish(0, "a", ""), Publish(3, "nobody", "x"));

        Assert.Equal(["delivery #1 1 one", "delivery #1 2 two", "delivery #1 3 "], near.Next(3));
        Assert.Equal(["delivery #1 2 two", "delivery #1 3 "], far.Next(2));
        Assert.Equal(["published 2 to 2 at 2", "published 3 to 0 at 0"], publisher.Next(2).Order(StringComparer.Ordinal));
        Assert.Empty(publisher.Within(4));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Unsubscribing_by_number_ends_deliveries_and_permits_another_subscribe(bool batched)
    {
        using var hub = new HubHarness();
        NativeClient client = hub.ConnectNative(batched), other = hub.ConnectNative(batched);
        foreach (NativeClient each in new[] { client, other })
        {
            each.Send(Subscribe(1, "a"));
            Assert.Equal("subscribed 1 #1 at 0", each.Next());
        }

        client.Send(Unsubscribe(2, 1), Unsubscribe(3, 1), Unsubscribe(4, 99));
        Assert.Equal(["unsubscribed 2 #1 0", "unsubscribed 3 #1 0", "unsubscribed 4 #99 0"], client.Next(3).Order(StringComparer.Ordinal));
        other.Send(Publish(0, "a", "x"));
        Assert.Equal("delivery #1 1 x", other.Next());
        Assert.Empty(client.Within(4));

        client.Send(Subscribe(5, "a"));
        Assert.Equal("subscribed 5 #1 at 1", client.Next());
    }

    [Fact]
    public void Replies_of_a_turn_leave_in_one_frame_of_v3_and_in_one_each_of_v2()
    {
        using var hub = new HubHarness();
        NativeClient three = hub.ConnectNative(batched: true), two = hub.ConnectNative(batched: false);
        byte[][] messages = [Ping(1), Unsubscribe(2, 9), Subscribe(0, "a"), Unsubscribe(3, 9)];

        three.Send(messages);
        two.Send(messages);

        byte[][] batched = three.Frames.PayloadsWithin(4), unbatched = two.Frames.PayloadsWithin(4);
        string[] expected = ["pong 1", "unsubscribed 2 #9 0", "error Request 107 id 0 chunk 0 message 2", "unsubscribed 3 #9 0"];
        Assert.Equal(expected, Describe(Assert.Single(batched), batched: true));
        Assert.Equal(
            expected.Select(WithoutIndex), unbatched.SelectMany(payload => Describe(payload, batched: false)).Select(WithoutIndex));
        Assert.Equal(4, unbatched.Length);
    }

    [Fact]
    public void However_messages_are_grouped_the_replies_are_the_same_in_the_same_order()
    {
        byte[][] messages =
        [
            Subscribe(1, "a"), Publish(2, "a", "one"), Ping(3), Publish(0, "a", "two"), Subscribe(4, "a"), Publish(5, "", "x"),
            Subscribe(6, "b"), Publish(7, "b", "{}"), Unsubscribe(8, 77), Publish(9, "a", "three"), Call(10, "nothing"),
                Publish(11, "c", "x"),
        ];
        string[] alone = Run(batched: false, messages);
        Assert.Equal(15, alone.Length);
        Assert.Equal(alone, Run(batched: true, messages));
        Assert.Equal(alone, Run(batched: true, [.. messages.SelectMany(message => message)]));

        var random = new Random(20_261_122);
        for (int run = 0; run < 10; run++)
        {
            var frames = new List<byte[]>();
            for (int next = 0; next < messages.Length;)
            {
                int count = Math.Min(messages.Length - next, random.Next(1, 6));
                frames.Add([.. messages.Skip(next).Take(count).SelectMany(message => message)]);
                next += count;
            }

            Assert.Equal(alone, Run(batched: true, [.. frames]));
        }

        static string[] Run(bool batched, params byte[][] frames)
        {
            using var hub = new HubHarness();
            NativeClient client = hub.ConnectNative(batched);
            client.SendFrames(frames);
            return [.. client.Within(6).Select(WithoutIndex)];
        }
    }

    [Fact]
    public void Clients_of_all_dialects_listen_to_one_channel()
    {
        using var hub = new HubHarness(new StandardSettings { Reactors = 2 });
        HubClient json = hub.Connect();
        NativeClient three = hub.ConnectNative(batched: true, loop: 1), two = hub.ConnectNative(batched: false);
        HubSessionTests.Listen(json, "a");
        foreach (NativeClient each in new[] { three, two })
        {
            each.Send(Subscribe(1, "a"));
            Assert.Equal("subscribed 1 #1 at 0", each.Next());
        }

        json.Send("""{"id":3,"publish":{"channel":"a","data":{"n": 1}}}""");
        Assert.Equal("""delivery #1 1 {"n": 1}""", three.Next());
        Assert.Equal("""delivery #1 1 {"n": 1}""", two.Next());
        string[] own = json.NextLines(2);
        Assert.Contains(
            own, line => line.StartsWith("""{"push":{"channel":"a","pub":{"data":{"n": 1},"info":""", StringComparison.Ordinal));
        Assert.Contains("""{"id":3,"publish":{}}""", own);

        three.Send(Publish(2, "a", "[2]"));
        Assert.Equal(["delivery #1 2 [2]", "published 2 to 3 at 2"], three.Next(2).Order(StringComparer.Ordinal));
        Assert.StartsWith(
            """{"push":{"channel":"a","pub":{"data":[2],"info":{"user":"","client":""", json.NextLine(), StringComparison.Ordinal);
        two.Send(Publish(0, "a", "plain"));
        Assert.Equal("delivery #1 3 plain", three.Next());
        Assert.EndsWith("""},"tags":{"encoding":"base64"}}}}""", json.NextLine(), StringComparison.Ordinal);
        Assert.Equal(["delivery #1 2 [2]", "delivery #1 3 plain"], two.Next(2));
    }

    public static TheoryData<string, NativeFault, int> Faults => new()
    {
        { "", NativeFault.EmptyPayload, 0 },
        { "14 0f000000 00000000", NativeFault.Truncated, 1 },
        { "03 08", NativeFault.Truncated, 1 },
        { "99", NativeFault.UnknownKind, 1 },
        { "00", NativeFault.UnknownKind, 1 },
        { "03 07000000 01020304050607", NativeFault.Malformed, 1 },
        { "10 18000000 01000000 00 0000000000000000 0000000000000000 0100 ff", NativeFault.NotUtf8, 1 },
        { "04 08000000 0000000000000000 04 08000000 0000000000000000 04 08000000 0000000000000000", NativeFault.TooManyMessages, 3 },
        { "17 14000000 01000000 0000000000000000 0000000000000000", NativeFault.WrongSide, 1 },
        { "01 10000000 0100 00 00100000 00000000 00000000 00", NativeFault.OutOfTurn, 1 },
    };

    [Theory, MemberData(nameof(Faults))]
    public void A_bad_message_is_reported_with_its_index_after_earlier_ones(string hex, NativeFault fault, int index)
    {
        using var hub = new HubHarness(new StandardSettings { Native = new NativeSettings { MessagesPerFrameMax = 3 } });
        NativeClient client = hub.ConnectNative(), listener = hub.ConnectNative();
        listener.Send(Subscribe(1, "a"));
        Assert.Equal("subscribed 1 #1 at 0", listener.Next());
        byte[] before = hex.Length == 0 ? [] : Publish(0, "a", "before");

        client.SendFrames([.. before, .. Bytes(hex)], Publish(0, "a", "after"));

        Assert.Equal($"error Connection {(int)fault} id 0 chunk 0 message {index}", client.Next());
        Assert.Equal(((int)fault.CloseCode, fault.Reason), client.Frames.NextClose());
        Assert.Equal(hex.Length == 0 ? [] : ["delivery #1 1 before"], listener.Within(4));
    }

    [Fact]
    public void A_second_message_in_a_v2_frame_is_an_error()
    {
        using var hub = new HubHarness();
        NativeClient client = hub.ConnectNative(batched: false);

        client.SendFrames([.. Ping(7), .. Ping(8)]);

        Assert.Equal(["pong 7", "error Connection 8 id 0 chunk 0 message 1"], client.Next(2));
        Assert.Equal((1008, NativeFault.NotBatched.Reason), client.Frames.NextClose());
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_bye_closes_behind_earlier_replies(bool batched)
    {
        using var hub = new HubHarness();
        NativeClient client = hub.ConnectNative(batched), other = hub.ConnectNative();
        other.Send(Subscribe(1, "a"));
        Assert.Equal("subscribed 1 #1 at 0", other.Next());

        client.Send(Subscribe(1, "b"), Ping(1), NativeWriter.Message(new Bye { Code = 1000 }), Publish(0, "a", "late"), Ping(2));

        Assert.Equal((1000, "bye"), client.Frames.NextClose());
        Assert.Contains("pong 1", client.Within(2));
        hub.RunUntil(() => hub.Counters.Ended(ClosureCause.ClosedByClient) == 1, "its end is counted");
        other.Send(Publish(2, "b", "x"));
        Assert.Equal("published 2 to 0 at 0", other.Next());
        client.Frames.SendClose();
        Assert.Empty(other.Within(4));
    }

    [Fact]
    public void A_client_that_sends_bye_counts_as_the_closing_side()
    {
        using var hub = new HubHarness();
        NativeClient client = hub.ConnectNative();

        client.Frames.SendRaw(
            [.. HubClient.BinaryFrame(NativeWriter.Message(new Bye { Code = 1000 })),
                .. FrameWriter.Close(CloseCode.Normal, "", 0x37fa213d)]);

        Assert.Equal(1000, client.Frames.NextClose().Code);
        hub.RunUntil(() => hub.Counters.Ended(ClosureCause.ClosedByClient) == 1, "its end is counted");
    }

    [Fact]
    public void A_text_frame_is_refused()
    {
        using var hub = new HubHarness();
        NativeClient client = hub.ConnectNative();

        client.Frames.Send("{}");

        Assert.Equal("error Connection 11 id 0 chunk 0 message 0", client.Next());
        Assert.Equal((1003, "Frames are binary."), client.Frames.NextClose());
    }

    [Fact]
    public void A_payload_over_the_limit_is_refused()
    {
        using var hub = new HubHarness(new StandardSettings { Native = new NativeSettings { FrameBytesMax = 2048 } });
        NativeClient client = hub.ConnectNative();
        client.Send(Publish(1, "a", new string('x', 2048 - 12)));
        Assert.Equal("published 1 to 0 at 0", client.Next());

        client.Send(Publish(2, "a", new string('x', 2048 - 11)));

        Assert.Equal(1009, client.Frames.NextClose().Code);
    }

    [Fact]
    public void Nothing_comes_before_hello()
    {
        using var hub = new HubHarness();
        NativeClient client = hub.DialNative();

        client.Send(Publish(1, "a", "x"));

        Assert.Equal("error Connection 10 id 0 chunk 0 message 0", client.Next());
        Assert.Equal((1008, NativeFault.OutOfTurn.Reason), client.Frames.NextClose());
    }

    [Fact]
    public void A_version_that_is_not_known_is_refused()
    {
        using var hub = new HubHarness();
        NativeClient client = hub.DialNative();

        client.Send(Hello(version: 0));

        Assert.Equal("error Connection 15 id 0 chunk 0 message 0", client.Next());
        Assert.Equal((1008, NativeFault.UnknownVersion.Reason), client.Frames.NextClose());
    }

    [Fact]
    public void A_newer_client_gets_the_supported_version()
    {
        using var hub = new HubHarness();
        NativeClient client = hub.DialNative();

        client.Send(Hello(version: 9));

        Assert.StartsWith("welcome 1 ", client.Next(), StringComparison.Ordinal);
    }

    [Fact]
    public void Failed_commands_get_their_index_and_the_connection_lives()
    {
        var settings =
            new StandardSettings { Clients = new ClientSettings { ChannelsMax = 1, ChannelBytesMax = 10 },
                Access = new AccessSettings { Publish = false } };
        using var hub = new HubHarness(settings);
        NativeClient client = hub.ConnectNative();

        client.Send(
            Subscribe(1, "a", token: "t"),
            Subscribe(2, "12345678901"),
            Subscribe(3, ""),
            Subscribe(0, "a"),
            Unsubscribe(0, 1),
            Publish(4, "a", "x"),
            Publish(0, "a", "x"),
            Ping(9));

        string[] expected =
        [
            "pong 9",
            "error Request 108 id 1 chunk 0 message 0",
            "error Request 107 id 2 chunk 0 message 1",
            "error Request 107 id 3 chunk 0 message 2",
            "error Request 107 id 0 chunk 0 message 3",
            "error Request 107 id 0 chunk 0 message 4",
            "error Request 103 id 4 chunk 0 message 5",
            "error Request 103 id 0 chunk 0 message 6",
        ];
        Assert.Equal(expected, client.Next(8));
        client.Send(Subscribe(5, "a"), Subscribe(6, "a"), Subscribe(7, "b"));
        Assert.Equal(
            ["error Request 105 id 6 chunk 0 message 1", "error Request 106 id 7 chunk 0 message 2", "subscribed 5 #1 at 0"],
                client.Next(3));
    }

    [Fact]
    public void An_unverifiable_token_ends_with_a_permanent_bye()
    {
        using var hub = new HubHarness();
        NativeClient client = hub.DialNative();

        client.Send(Hello(token: "t"));

        Assert.Equal("bye 3500 invalid token for good", client.Next());
        Assert.Equal((3500, "invalid token"), client.Frames.NextClose());
    }

    [Fact]
    public void Disconnects_a_client_whose_frame_limit_is_below_the_shared_frames()
    {
        var settings = new StandardSettings();
        int largest = 1 + (256 * 1024) + 17;
        using var hub = new HubHarness(settings);
        NativeClient good = hub.DialNative(), bad = hub.DialNative();

        good.Send(Hello(frameBytesMax: largest));
        bad.Send(Hello(frameBytesMax: largest - 1));

        Assert.StartsWith("welcome", good.Next(), StringComparison.Ordinal);
        Assert.Equal("bye 3506 inappropriate protocol for good", bad.Next());
        Assert.Equal((3506, "inappropriate protocol"), bad.Frames.NextClose());
    }

    [Fact]
    public void Before_welcome_time_and_bytes_are_limited()
    {
        using var hub = new HubHarness(new StandardSettings { Clients = new ClientSettings { BytesBeforeConnectMax = 1000 } });
        NativeClient late = hub.DialNative(), loud = hub.DialNative(), large = hub.DialNative();

        loud.SendFrames(Hello(), Publish(1, "a", new string('x', 500)), Publish(2, "a", new string('x', 500)));
        Assert.StartsWith("welcome", loud.Next(), StringComparison.Ordinal);
        Assert.Equal(["published 1 to 0 at 0", "published 2 to 0 at 0"], loud.Next(2));

        large.Send(Hello(token: new string('x', 1000)));
        Assert.Equal(1009, large.Frames.NextClose().Code);

        hub.Advance(TimeSpan.FromSeconds(11));
        Assert.Equal("bye 3502 stale for good", late.Next());
        Assert.Equal((3502, "stale"), late.Frames.NextClose());
    }

    [Fact]
    public void A_silent_client_is_pinged_and_then_disconnected()
    {
        using var hub = new HubHarness();
        NativeClient alive = hub.ConnectNative(), gone = hub.ConnectNative(batched: false);

        hub.Advance(TimeSpan.FromSeconds(26.1));
        Assert.Equal("ping", alive.Next());
        Assert.Equal("ping", gone.Next());
        alive.Send(NativeWriter.Message(new Pong { Mark = 1 }));
        hub.Advance(TimeSpan.FromSeconds(9));

        Assert.Equal("bye 3012 no pong", gone.Next());
        Assert.Equal((3012, "no pong"), gone.Frames.NextClose());
        alive.Send(Ping(5));
        Assert.Equal("pong 5", alive.Next());
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_stopping_hub_sends_bye(bool batched)
    {
        using var hub = new HubHarness();
        NativeClient client = hub.ConnectNative(batched);

        Task drained = hub.Drain();

        Assert.Equal("bye 3001 shutdown", client.Next());
        Assert.Equal((3001, "shutdown"), client.Frames.NextClose());
        client.Frames.SendClose();
        client.Frames.Dispose();
        hub.RunUntil(() => drained.IsCompleted, "the hub is drained");
        Assert.Equal(1, hub.Counters.Ended(ClosureCause.Shutdown));
    }

    [Fact]
    public void A_home_that_lost_its_state_unsubscribes_its_listeners_and_numbers_begin_nowhere_twice()
    {
        using var hub = new HubHarness();
        NativeClient client = hub.ConnectNative();
        client.Send(Subscribe(1, "a"));
        Assert.Equal("subscribed 1 #1 at 0", client.Next());

        hub.FailRouter(shard: 0);

        Assert.Equal("unsubscribed 0 #1 2500", client.Next());
        client.Send(Subscribe(2, "a"));
        Assert.Equal("subscribed 2 #2 at 0", client.Next());
    }

    [Fact]
    public void Behind_the_clients_bye_nothing_is_read()
    {
        using var hub = new HubHarness();
        NativeClient client = hub.ConnectNative();

        client.Send(Ping(1), NativeWriter.Message(new Bye { Code = 1000 }), Ping(2), [0x99]);

        Assert.Equal(["pong 1"], client.Within(4));
        Assert.Equal((1000, "bye"), client.Frames.NextClose());
        client.Frames.SendClose();
        Assert.Equal(1, hub.Counters.Ended(ClosureCause.ClosedByClient));
    }

    [Fact]
    public void Replies_without_a_request_are_ignored()
    {
        using var hub = new HubHarness();
        NativeClient client = hub.ConnectNative();

        client.Send(
            NativeWriter.Message(new Core.Protocol.Messages.CallResult { Id = 1 }),
            NativeWriter.Message(new Core.Protocol.Messages.CallFault { Id = 0x8000_0001, Code = Core.Protocol.Messages.FaultCode.Failed }),
            Cancel(3),
            NativeWriter.Message(new Core.Protocol.Messages.CallItem { Id = 4 }),
            NativeWriter.Message(new NativeError { Code = 100 }),
            Ping(1));

        Assert.Equal(["pong 1"], client.Within(4));
    }

    private static string WithoutIndex(string line) => MessageIndex().Replace(line, "");

    [GeneratedRegex(" message [0-9]+$")]
    private static partial Regex MessageIndex();
}
