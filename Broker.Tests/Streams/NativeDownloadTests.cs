using System.Text;
using Broker.Actors.Routing;
using Broker.Actors.Settings;
using Broker.Core.Chunks;
using Broker.Core.Native;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.Streams;

/// <summary>What clients are sent as streams, and compressed, through a whole hub whose turns and clock the test moves.</summary>
public sealed class NativeDownloadTests
{
    private const int Cap = 1042;       // A payload of one chunk of 1,024 bytes.

    private static HubSettings Small { get; } = new()
    {
        Centrifuge = new CentrifugeSettings { MessageBytesMax = 1024, PingInterval = TimeSpan.FromHours(1) },
        Native = new NativeSettings { FrameBytesMax = 1024, Streams = new StreamSettings { ConnectionBytesMax = 100_000, BytesMax = 80_000 } },
        Routing = new RoutingSettings { BatchBytesMax = 1024 },
    };

    private static byte[] SmallHello(int window) => Hello(frameBytesMax: Cap, window: window);

    private static string Letters(int count) => new([.. Enumerable.Range(0, count).Select(i => (char)('a' + (i / 7 % 26)))]);

    private static HubHarness HubWith(string result)
    {
        var hub = new HubHarness(Small);
        hub.Methods.Add("large", (_, _) => new(Encoding.UTF8.GetBytes(result)));
        hub.Methods.Add("same", static (call, _) => new(call.Arguments));
        return hub;
    }

    [Fact]
    public void A_stream_waits_for_credit_and_nothing_else_waits_for_it()
    {
        using HubHarness hub = HubWith(Letters(2500));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 1));

        client.Say(Call(1, "large"));
        Assert.Equal(["stream 0 Result 1 of 2500", "chunk 0 0/3 of 1024"], client.Next(2));
        client.Say(Ping(1), Call(2, "same", "x"));
        Assert.Equal(["pong 1", "result 2 x"], client.Next(2));
        Assert.Empty(client.Within(4));

        client.Say(Credit(0, 1), Ping(2));
        Assert.Equal(["pong 2", "chunk 0 1/3 of 1024"], client.Next(2));
        client.Say(Credit(0, 5));
        Assert.Equal("chunk 0 2/3 of 452", client.Next());
        Assert.Empty(client.Within(4));
    }

    [Fact]
    public void Streams_take_turns_chunk_by_chunk_and_small_messages_come_between()
    {
        using HubHarness hub = HubWith(Letters(3000));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 8));

        client.Say(Call(1, "large"));
        hub.RunUntil(() => client.Frames.Read() && client.Within(1).Contains("chunk 0 2/3 of 952"), "the first is through");
        client.Say(Call(2, "large"), Call(3, "large"), Ping(1));

        string[] heard = Collect(client, "chunk 2 2/3 of 952");
        Assert.True(Array.IndexOf(heard, "pong 1") < Array.FindIndex(heard, line => line.EndsWith("2/3 of 952", StringComparison.Ordinal)));
        string[] chunks = [.. heard.Where(line => line.StartsWith("chunk", StringComparison.Ordinal))];
        Assert.Equal(6, chunks.Length);
        int lastOfOne = Array.IndexOf(chunks, "chunk 1 2/3 of 952"), firstOfTwo = Array.IndexOf(chunks, "chunk 2 0/3 of 1024");
        Assert.True(firstOfTwo < lastOfOne, "The second stream begins before the first is through.");
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_long_delivery_is_whole_for_whom_it_fits_and_a_stream_for_the_others(bool batched)
    {
        using var hub = new HubHarness();
        NativeClient publisher = hub.ConnectNative();
        NativeClient large = hub.ConnectNative(batched), narrow = hub.ConnectNative(batched, hello: Hello(frameBytesMax: 262_162, window: 8));
        foreach (NativeClient each in new[] { large, narrow })
        {
            each.Say(Subscribe(1, "a"));
            Assert.Equal("subscribed 1 #1 at 0", each.Next());
        }

        string data = Letters(300_000);
        publisher.Say(Publish(1, "a", data));
        publisher.Say(Publish(2, "a", "after"));

        Assert.Equal([$"delivery #1 1 {data}", "delivery #1 2 after"], large.Next(2));
        string[] narrows = narrow.Next(4);
        Assert.Equal(["chunk 0 0/2 of 262144", "chunk 0 1/2 of 37873", "delivery #1 2 after", "stream 0 Message 0 of 300017"], narrows.Order(StringComparer.Ordinal));
        Assert.Equal(["published 1 to 2 at 1", "published 2 to 2 at 2"], publisher.Next(2));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Later_deliveries_do_not_overtake_a_long_one_that_goes_whole(bool joins)
    {
        using var hub = new HubHarness();
        NativeClient publisher = hub.ConnectNative(), listener = hub.ConnectNative();
        listener.Say(Subscribe(1, "a"));
        Assert.Equal("subscribed 1 #1 at 0", listener.Next());

        // Whoever joins, and a batch that is full, make what was published before leave within the turn.
        string more = Letters(100_000);
        publisher.Say([Publish(1, "a", Letters(263_000)), Publish(2, "a", more), joins ? Subscribe(3, "a") : Publish(3, "a", more)]);
        publisher.Say(Publish(4, "a", more));

        string[] heard = listener.Next(joins ? 3 : 4);
        Assert.Equal(Enumerable.Range(1, heard.Length), heard.Select(line => int.Parse(line.Split(' ')[2], System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void Exactly_524288_bytes_go_whole_and_one_more_in_three_chunks()
    {
        using var hub = new HubHarness();
        NativeClient client = hub.ConnectNative(hello: Hello(window: 8));
        hub.Methods.Add("large", static (call, _) => new(new byte[int.Parse(call.Arguments.Span, System.Globalization.CultureInfo.InvariantCulture)]));

        client.Say(Call(1, "large", $"{524_288 - 9}"));
        Assert.StartsWith("result 1 ", client.Next(), StringComparison.Ordinal);
        client.Say(Call(2, "large", $"{524_289}"));
        Assert.Equal(["stream 0 Result 2 of 524289", "chunk 0 0/3 of 262144", "chunk 0 1/3 of 262144", "chunk 0 2/3 of 1"], client.Next(4));
    }

    [Fact]
    public void Who_gives_no_credit_for_a_minute_is_told_what_it_does_not_get_and_lives()
    {
        using HubHarness hub = HubWith(Letters(2500));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 1));
        client.Say(Subscribe(1, "a"));
        Assert.Equal("subscribed 1 #1 at 0", client.Next());
        client.Say(Call(2, "large"));
        Assert.Equal(["stream 0 Result 2 of 2500", "chunk 0 0/3 of 1024"], client.Next(2));
        client.SayFrames(Cut(0, Publish(0, "a", Letters(2000)), 900));
        Assert.Equal(["stream 1 Message 0 of 2017", "chunk 1 0/2 of 1024"], NotCredit(client, 2));

        for (int i = 0; i < 3; i++)
        {
            hub.Advance(TimeSpan.FromSeconds(19));
            client.Say(Ping(1));
        }

        Assert.DoesNotContain(client.Within(4), line => line.StartsWith("stream-cancel", StringComparison.Ordinal));
        hub.Advance(TimeSpan.FromSeconds(4));

        string[] expected = ["fault 2 Deadline: the result was not taken in time", "missed #1 1 1", "stream-cancel Mine 0 204", "stream-cancel Mine 1 204"];
        Assert.Equal(expected, client.Within(4).Where(line => line != "pong 1").Order(StringComparer.Ordinal));
        client.Say(Ping(2));
        Assert.Equal("pong 2", client.Next());
    }

    [Fact]
    public void A_stream_that_the_client_cancels_or_refuses_ends_and_others_go_on()
    {
        using HubHarness hub = HubWith(Letters(2500));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 1));
        client.Say(Call(1, "large"));
        Assert.Equal(["stream 0 Result 1 of 2500", "chunk 0 0/3 of 1024"], client.Next(2));
        client.Say(Call(2, "large"));
        Assert.Equal(["stream 1 Result 2 of 2500", "chunk 1 0/3 of 1024"], client.Next(2));

        client.Say(CancelStream(0, StreamOwner.Yours), NativeWriter.Message(new NativeError { Scope = ErrorScope.Stream, Id = 1, Code = 214 }), Credit(0, 9), Credit(1, 9));
        Assert.Equal(["fault 1 Cancelled: the result was refused by the client", "fault 2 Overloaded: the result was refused by the client: ProcessFull"], client.Next(2));
        Assert.Empty(client.Within(4));

        client.Say(Call(3, "large"));
        Assert.Equal(["stream 2 Result 3 of 2500", "chunk 2 0/3 of 1024"], client.Next(2));
    }

    [Fact]
    public void A_result_that_was_sent_whole_and_is_refused_ends_its_call_too()
    {
        using HubHarness hub = HubWith(Letters(2500));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 4));
        client.Say(Call(1, "large"), Call(2, "large"));
        Assert.Equal(8, client.Next(8).Length);

        byte[] refusal = NativeWriter.Message(new NativeError { Scope = ErrorScope.Stream, Id = 0, ChunkIndex = 1, Code = 212 });
        client.Say(refusal, refusal, Cancel(2), CancelStream(1, StreamOwner.Yours), Ping(1));

        Assert.Equal(["fault 1 ResultTooBig: the result was refused by the client: StreamTooBig", "pong 1"], client.Next(2));
        Assert.Empty(client.Within(4));
    }

    [Fact]
    public void A_call_that_is_cancelled_is_sent_no_more_of_its_result()
    {
        using HubHarness hub = HubWith(Letters(2500));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 1));
        client.Say(Call(1, "large"), Call(2, "large"));
        Assert.Equal(4, client.Next(4).Length);

        client.Say(Cancel(1), Cancel(0x8000_0000), Cancel(7));
        client.Say(Credit(0, 9));

        Assert.Equal(["fault 1 Cancelled: cancelled", "stream-cancel Mine 0 0"], client.Next(2).Order(StringComparer.Ordinal));
        Assert.Empty(client.Within(4));
        client.Say(Cancel(1), CancelStream(0, StreamOwner.Yours), Credit(1, 2));
        Assert.Equal(["chunk 1 1/3 of 1024", "chunk 1 2/3 of 452"], client.Next(2));
        Assert.Empty(client.Within(4));
    }

    [Fact]
    public void A_cancel_and_the_end_of_the_stream_in_one_frame_are_a_cancel()
    {
        using HubHarness hub = HubWith(Letters(2500));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 1));
        client.Say(Call(1, "large"));
        Assert.Equal(2, client.Next(2).Length);

        client.Say(Cancel(1), NativeWriter.Message(new StreamCancel { Stream = 0, Owner = StreamOwner.Yours, Code = ChunkError.Cancelled }));

        Assert.Equal("fault 1 Cancelled: cancelled", client.Next());
    }

    [Theory, InlineData(1), InlineData(2)]
    public void A_delivery_that_the_client_refuses_is_missed(int window)
    {
        using HubHarness hub = HubWith("");
        NativeClient client = hub.ConnectNative(hello: SmallHello(window));
        client.Say(Subscribe(1, "a"));
        Assert.Equal("subscribed 1 #1 at 0", client.Next());
        client.SayFrames(Cut(0, Publish(0, "a", Letters(2000)), 900));
        NotCredit(client, 1 + window);

        client.Say(NativeWriter.Message(new NativeError { Scope = ErrorScope.Stream, Id = 0, Code = 213 }), Credit(0, 9), Ping(1));

        Assert.Equal(["missed #1 1 1", "pong 1"], client.Next(2));
        Assert.Empty(client.Within(4));
    }

    [Fact]
    public void After_unsubscribed_nothing_of_a_delivery_follows()
    {
        using HubHarness hub = HubWith("");
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 1));
        client.Say(Subscribe(1, "a"));
        Assert.Equal("subscribed 1 #1 at 0", client.Next());
        client.SayFrames(Cut(0, Publish(0, "a", Letters(2000)), 900));
        Assert.Equal(["stream 0 Message 0 of 2017", "chunk 0 0/2 of 1024"], NotCredit(client, 2));

        client.Say(Unsubscribe(2, 1), Credit(0, 5));

        Assert.Equal(["stream-cancel Mine 0 0", "unsubscribed 2 #1 0"], client.Next(2).Order(StringComparer.Ordinal));
        Assert.Empty(client.Within(4));
    }

    [Fact]
    public void A_client_with_more_unsent_than_the_bound_is_told_what_it_misses()
    {
        using HubHarness hub = HubWith(Letters(60_000));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 0));

        client.Say(Call(1, "large"));
        Assert.Equal("stream 0 Result 1 of 60000", client.Next());
        client.Say(Call(2, "large"));
        Assert.Equal("fault 2 Overloaded: the result can not be sent: ConnectionFull: 60000 more bytes with 60000 that streams of the connection hold, at most 100000", client.Next());
    }

    [Fact]
    public void Streams_count_as_a_whole_until_they_are_sent_to_their_end()
    {
        using HubHarness hub = HubWith(Letters(60_000));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 58));

        client.Say(Call(1, "large"));
        Collect(client, "chunk 0 57/59 of 1024");
        client.Say(Call(2, "large"));
        Assert.StartsWith("fault 2 Overloaded: ", client.Next(), StringComparison.Ordinal);

        client.Say(Credit(0, 1));
        Assert.Equal("chunk 0 58/59 of 608", client.Next());
        client.Say(Call(3, "large"));
        Assert.Equal("stream 1 Result 3 of 60000", client.Next());
    }

    [Fact]
    public void Long_results_of_all_clients_count_together_until_they_are_let_go()
    {
        using var hub = new HubHarness(Small with { Native = Small.Native with { Streams = Small.Native.Streams with { ProcessBytesMax = 100_000 } } });
        hub.Methods.Add("large", (_, _) => new(Encoding.UTF8.GetBytes(Letters(60_000))));
        NativeClient one = hub.ConnectNative(hello: SmallHello(window: 0)), two = hub.ConnectNative(hello: SmallHello(window: 0));
        one.Say(Call(1, "large"));
        Assert.Equal("stream 0 Result 1 of 60000", one.Next());

        two.Say(Call(1, "large"));
        Assert.Equal("fault 1 Overloaded: the result can not be sent: ProcessFull: 60000 more bytes with 60000 that streams of all connections hold, at most 100000", two.Next());

        one.Say(CancelStream(0, StreamOwner.Yours));
        one.Next();
        two.Say(Call(2, "large"));
        Assert.Equal("stream 0 Result 2 of 60000", two.Next());
        two.Frames.Dispose();
        hub.Turn(4);
        one.Say(Call(2, "large"));
        Assert.Equal("stream 1 Result 2 of 60000", one.Next());
    }

    [Fact]
    public void Long_publications_in_frames_count_until_the_last_listener_has_them()
    {
        using var hub = new HubHarness(new HubSettings { Native = new NativeSettings { Streams = new StreamSettings { ProcessBytesMax = 700_000 } } });
        NativeClient publisher = hub.ConnectNative();
        NativeClient[] listeners = [.. Enumerable.Range(0, 3).Select(_ => hub.ConnectNative(hello: Hello(frameBytesMax: 262_162, window: 0)))];
        foreach (NativeClient each in listeners)
        {
            each.Say(Subscribe(1, "a"));
            Assert.Equal("subscribed 1 #1 at 0", each.Next());
        }

        for (uint i = 1; i <= 3; i++) publisher.Say(Publish(i, "a", Letters(300_000)));
        Assert.Equal(["error Request 111 id 3 chunk 0 message 0", "published 1 to 3 at 1", "published 2 to 3 at 2"], publisher.Next(3).Order(StringComparer.Ordinal));

        foreach (NativeClient each in listeners)
        {
            each.Say(Unsubscribe(2, 1));
            Assert.Equal(2, each.Within(6).Count(line => line.StartsWith("stream ", StringComparison.Ordinal)));
        }

        publisher.Say(Publish(4, "a", Letters(300_000)), Publish(5, "b", Letters(300)));
        Assert.Equal(["published 4 to 0 at 0", "published 5 to 0 at 0"], publisher.Next(2).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void However_steadily_a_client_takes_a_stream_its_time_is_limited()
    {
        using var hub = new HubHarness(Small with { Native = Small.Native with { Streams = Small.Native.Streams with { LifeLimit = TimeSpan.FromSeconds(25) } } });
        hub.Methods.Add("large", (_, _) => new(Encoding.UTF8.GetBytes(Letters(5000))));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 1));
        client.Say(Call(1, "large"));
        client.Next(2);
        for (int i = 1; i <= 2; i++)
        {
            hub.Advance(TimeSpan.FromSeconds(12));
            client.Say(Credit(0, 1));
            Assert.Equal($"chunk 0 {i}/5 of 1024", client.Next());
        }

        hub.Advance(TimeSpan.FromSeconds(1.1));

        Assert.Equal(["fault 1 Deadline: the result was not taken in time", "stream-cancel Mine 0 204"], client.Next(2).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_stream_without_credit_is_not_kept_because_another_moves()
    {
        using HubHarness hub = HubWith(Letters(40_000));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 0));
        client.Say(Call(1, "large"), Call(2, "large"));
        Assert.Equal(["stream 0 Result 1 of 40000", "stream 1 Result 2 of 40000"], client.Next(2));

        for (int i = 0; i < 3; i++)
        {
            hub.Advance(TimeSpan.FromSeconds(19));
            client.Say(Credit(0, 1));
            Assert.Equal($"chunk 0 {i}/40 of 1024", client.Next());
        }

        hub.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(["fault 2 Deadline: the result was not taken in time", "stream-cancel Mine 1 204"], client.Next(2).Order(StringComparer.Ordinal));
        client.Say(Credit(0, 1));
        Assert.Equal("chunk 0 3/40 of 1024", client.Next());
    }

    [Fact]
    public void A_stream_that_waits_for_its_turn_is_not_late_for_that()
    {
        using var hub = new HubHarness(Small with { Native = Small.Native with { Streams = Small.Native.Streams with { OpenMax = 1 } } });
        hub.Methods.Add("large", (_, _) => new(Encoding.UTF8.GetBytes(Letters(5000))));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 0));
        client.Say(Call(1, "large"), Call(2, "large"));
        Assert.Equal("stream 0 Result 1 of 5000", client.Next());

        for (int i = 0; i < 5; i++)
        {
            hub.Advance(TimeSpan.FromSeconds(19));
            client.Say(Credit(0, 1));
            Assert.Equal($"chunk 0 {i}/5 of {(i < 4 ? 1024 : 904)}", client.Next());
        }

        Assert.Equal("stream 1 Result 2 of 5000", client.Next());
        for (int i = 0; i < 3; i++)
        {
            hub.Advance(TimeSpan.FromSeconds(19));
            client.Say(Ping(1));
            Assert.Equal("pong 1", client.Next());
        }

        hub.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(["fault 2 Deadline: the result was not taken in time", "stream-cancel Mine 1 204"], client.Next(2).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(Compressions.Brotli, true), InlineData(Compressions.Gzip, true), InlineData(Compressions.All, false)]
    public void Payloads_over_the_threshold_are_compressed_for_whom_asks_for_it(Compressions compressions, bool batched)
    {
        using var hub = new HubHarness();
        byte tag = compressions == Compressions.Gzip ? (byte)2 : (byte)1;
        NativeClient plain = hub.ConnectNative(), packed = hub.ConnectNative(batched, hello: Hello(compressions: compressions));
        foreach (NativeClient each in new[] { plain, packed })
        {
            each.Say(Subscribe(1, "a"));
            Assert.Equal("subscribed 1 #1 at 0", each.Next());
        }

        string data = Letters(20_000);
        plain.Say(Publish(0, "a", data));
        Assert.Equal($"delivery #1 1 {data}", plain.Next());
        byte[] payload = packed.Frames.NextPayload();
        Assert.Equal(tag, payload[0]);
        Assert.InRange(payload.Length, 10, 2_000);
        Assert.Equal([$"delivery #1 1 {data}"], Describe(payload, batched));

        plain.Say(Publish(0, "a", Letters(1024 - 17)));
        Assert.StartsWith("delivery #1 2", plain.Next(), StringComparison.Ordinal);
        Assert.Equal(0, packed.Frames.NextPayload()[0]);
        plain.Say(Publish(0, "a", Letters(1024 - 16)));
        Assert.Equal(tag, packed.Frames.NextPayload()[0]);
    }

    [Fact]
    public void A_hub_that_is_set_so_compresses_nothing()
    {
        using var hub = new HubHarness(new HubSettings { Native = new NativeSettings { Compression = false } });
        NativeClient client = hub.ConnectNative(hello: Hello(compressions: Compressions.All));
        hub.Methods.Add("same", static (call, _) => new(call.Arguments));

        client.Say(Call(1, "same", Letters(5000)));

        Assert.Equal(0, client.Frames.NextPayload()[0]);
    }

    private static string[] NotCredit(NativeClient client, int count)
    {
        var lines = new List<string>();
        while (lines.Count < count)
        {
            if (client.Next() is var line && !line.StartsWith("credit", StringComparison.Ordinal)) lines.Add(line);
        }

        return [.. lines];
    }

    private static string[] Collect(NativeClient client, string last)
    {
        var lines = new List<string>();
        while (lines.Count == 0 || lines[^1] != last) lines.Add(client.Next());
        return [.. lines];
    }
}
