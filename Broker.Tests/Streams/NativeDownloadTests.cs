using Broker.Dialects.Native;
using Broker.Dialects;
using System.Text;
using Broker.Actors.Settings;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.Streams;

/// <summary>What clients are sent as streams, and compressed, within their bounds.</summary>
public sealed class NativeDownloadTests : DownloadTest
{
    [Fact]
    public void A_stream_waits_for_credit_and_nothing_else_waits_for_it()
    {
        using HubHarness hub = HubWith(Letters(2500));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 1));

        client.Send(Call(1, "large"));
        Assert.Equal(["stream 0 Result 1 of 2500", "chunk 0 0/3 of 1024"], client.Next(2));
        client.Send(Ping(1), Call(2, "same", "x"));
        Assert.Equal(["pong 1", "result 2 x"], client.Next(2));
        Assert.Empty(client.Within(4));

        client.Send(Credit(0, 1), Ping(2));
        Assert.Equal(["pong 2", "chunk 0 1/3 of 1024"], client.Next(2));
        client.Send(Credit(0, 5));
        Assert.Equal("chunk 0 2/3 of 452", client.Next());
        Assert.Empty(client.Within(4));
    }

    [Fact]
    public void Streams_take_turns_chunk_by_chunk_and_small_messages_come_between()
    {
        using HubHarness hub = HubWith(Letters(3000));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 8));

        client.Send(Call(1, "large"));
        hub.RunUntil(() => client.Frames.Read() && client.Within(1).Contains("chunk 0 2/3 of 952"), "the first is through");
        client.Send(Call(2, "large"), Call(3, "large"), Ping(1));

        string[] received = Collect(client, "chunk 2 2/3 of 952");
        Assert.True(Array.IndexOf(received, "pong 1") < Array.FindIndex(
            received, line => line.EndsWith("2/3 of 952", StringComparison.Ordinal)));
        string[] chunks = [.. received.Where(line => line.StartsWith("chunk", StringComparison.Ordinal))];
        Assert.Equal(6, chunks.Length);
        int lastOfOne = Array.IndexOf(chunks, "chunk 1 2/3 of 952"), firstOfTwo = Array.IndexOf(chunks, "chunk 2 0/3 of 1024");
        Assert.True(firstOfTwo < lastOfOne, "The second stream begins before the first is through.");
    }

    [Theory, InlineData(true), InlineData(false)]
    public void A_long_delivery_is_whole_for_whom_it_fits_and_a_stream_for_the_others(bool batched)
    {
        using var hub = new HubHarness();
        NativeClient publisher = hub.ConnectNative();
        NativeClient large = hub.ConnectNative(batched), narrow =
            hub.ConnectNative(batched, hello: Hello(frameBytesMax: 262_162, window: 8));
        foreach (NativeClient each in new[] { large, narrow })
        {
            each.Send(Subscribe(1, "a"));
            Assert.Equal("subscribed 1 #1 at 0", each.Next());
        }

        string data = Letters(300_000);
        publisher.Send(Publish(1, "a", data));
        publisher.Send(Publish(2, "a", "after"));

        Assert.Equal([$"delivery #1 1 {data}", "delivery #1 2 after"], large.Next(2));
        string[] narrows = narrow.Next(4);
        Assert.Equal(
            ["chunk 0 0/2 of 262144", "chunk 0 1/2 of 37873", "delivery #1 2 after", "stream 0 Message 0 of 300017"],
                narrows.Order(StringComparer.Ordinal));
        Assert.Equal(["published 1 to 2 at 1", "published 2 to 2 at 2"], publisher.Next(2));
    }

    [Theory, InlineData(true), InlineData(false)]
    public void Later_deliveries_do_not_overtake_a_long_one_that_goes_whole(bool joins)
    {
        using var hub = new HubHarness();
        NativeClient publisher = hub.ConnectNative(), listener = hub.ConnectNative();
        listener.Send(Subscribe(1, "a"));
        Assert.Equal("subscribed 1 #1 at 0", listener.Next());

        // The one that joins, and a batch that is full, make what was published before leave within the turn.
        string more = Letters(100_000);
        publisher.Send([Publish(1, "a", Letters(263_000)), Publish(2, "a", more), joins ? Subscribe(3, "a") : Publish(3, "a", more)]);
        publisher.Send(Publish(4, "a", more));

        string[] received = listener.Next(joins ? 3 : 4);
        Assert.Equal(
            Enumerable.Range(1, received.Length),
                received.Select(line => int.Parse(line.Split(' ')[2], System.Globalization.CultureInfo.InvariantCulture)));
    }

    [Fact]
    public void Exactly_524288_bytes_go_whole_and_one_more_in_three_chunks()
    {
        using var hub = new HubHarness();
        NativeClient client = hub.ConnectNative(hello: Hello(window: 8));
        hub.Methods.Add(
            "large", static (call, _) => new(new byte[int.Parse(call.Arguments.Span, System.Globalization.CultureInfo.InvariantCulture)]));

        client.Send(Call(1, "large", $"{524_288 - 9}"));
        Assert.StartsWith("result 1 ", client.Next(), StringComparison.Ordinal);
        client.Send(Call(2, "large", $"{524_289}"));
        Assert.Equal(["stream 0 Result 2 of 524289", "chunk 0 0/3 of 262144", "chunk 0 1/3 of 262144", "chunk 0 2/3 of 1"], client.Next(4));
    }

    [Fact]
    public void A_client_over_its_unsent_bound_gets_the_gap()
    {
        using HubHarness hub = HubWith(Letters(60_000));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 0));

        client.Send(Call(1, "large"));
        Assert.Equal("stream 0 Result 1 of 60000", client.Next());
        client.Send(Call(2, "large"));
        Assert.Equal(
            "fault 2 Overloaded: the result can not be sent: ConnectionFull: 60000 more bytes with 60000 that streams of the connection "
                + "hold, at most 100000", client.Next());
    }

    [Fact]
    public void Streams_count_as_a_whole_until_they_are_sent_to_their_end()
    {
        using HubHarness hub = HubWith(Letters(60_000));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 58));

        client.Send(Call(1, "large"));
        Collect(client, "chunk 0 57/59 of 1024");
        client.Send(Call(2, "large"));
        Assert.StartsWith("fault 2 Overloaded: ", client.Next(), StringComparison.Ordinal);

        client.Send(Credit(0, 1));
        Assert.Equal("chunk 0 58/59 of 608", client.Next());
        client.Send(Call(3, "large"));
        Assert.Equal("stream 1 Result 3 of 60000", client.Next());
    }

    [Fact]
    public void Long_results_of_all_clients_count_together_until_released()
    {
        using var hub =
            new HubHarness(Small with { Native = Small.Native with { Streams = Small.Native.Streams with { ProcessBytesMax = 100_000 } } });
        hub.Methods.Add("large", (_, _) => new(Encoding.UTF8.GetBytes(Letters(60_000))));
        NativeClient one = hub.ConnectNative(hello: SmallHello(window: 0)), two = hub.ConnectNative(hello: SmallHello(window: 0));
        one.Send(Call(1, "large"));
        Assert.Equal("stream 0 Result 1 of 60000", one.Next());

        two.Send(Call(1, "large"));
        Assert.Equal(
            "fault 1 Overloaded: the result can not be sent: ProcessFull: 60000 more bytes with 60000 that streams of all connections "
                + "hold, at most 100000", two.Next());

        one.Send(CancelStream(0, StreamOwner.Yours));
        one.Next();
        two.Send(Call(2, "large"));
        Assert.Equal("stream 0 Result 2 of 60000", two.Next());
        two.Frames.Dispose();
        hub.Turn(4);
        one.Send(Call(2, "large"));
        Assert.Equal("stream 1 Result 2 of 60000", one.Next());
    }

    [Fact]
    public void Long_publications_in_frames_count_until_the_last_listener_has_them()
    {
        using var hub =
            new HubHarness(
                new StandardSettings { Native = new NativeSettings { Streams = new StreamSettings { ProcessBytesMax = 700_000 } } });
        NativeClient publisher = hub.ConnectNative();
        NativeClient[] listeners =
            [.. Enumerable.Range(0, 3).Select(_ => hub.ConnectNative(hello: Hello(frameBytesMax: 262_162, window: 0)))];
        foreach (NativeClient each in listeners)
        {
            each.Send(Subscribe(1, "a"));
            Assert.Equal("subscribed 1 #1 at 0", each.Next());
        }

        for (uint i = 1; i <= 3; i++) publisher.Send(Publish(i, "a", Letters(300_000)));
        Assert.Equal(
            ["error Request 111 id 3 chunk 0 message 0", "published 1 to 3 at 1", "published 2 to 3 at 2"],
                publisher.Next(3).Order(StringComparer.Ordinal));

        foreach (NativeClient each in listeners)
        {
            each.Send(Unsubscribe(2, 1));
            Assert.Equal(2, each.Within(6).Count(line => line.StartsWith("stream ", StringComparison.Ordinal)));
        }

        publisher.Send(Publish(4, "a", Letters(300_000)), Publish(5, "b", Letters(300)));
        Assert.Equal(["published 4 to 0 at 0", "published 5 to 0 at 0"], publisher.Next(2).Order(StringComparer.Ordinal));
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
            each.Send(Subscribe(1, "a"));
            Assert.Equal("subscribed 1 #1 at 0", each.Next());
        }

        string data = Letters(20_000);
        plain.Send(Publish(0, "a", data));
        Assert.Equal($"delivery #1 1 {data}", plain.Next());
        byte[] payload = packed.Frames.NextPayload();
        Assert.Equal(tag, payload[0]);
        Assert.InRange(payload.Length, 10, 2_000);
        Assert.Equal([$"delivery #1 1 {data}"], Describe(payload, batched));

        plain.Send(Publish(0, "a", Letters(1024 - 17)));
        Assert.StartsWith("delivery #1 2", plain.Next(), StringComparison.Ordinal);
        Assert.Equal(0, packed.Frames.NextPayload()[0]);
        plain.Send(Publish(0, "a", Letters(1024 - 16)));
        Assert.Equal(tag, packed.Frames.NextPayload()[0]);
    }

    [Fact]
    public void A_hub_that_is_set_so_compresses_nothing()
    {
        using var hub = new HubHarness(new StandardSettings { Native = new NativeSettings { Compression = false } });
        NativeClient client = hub.ConnectNative(hello: Hello(compressions: Compressions.All));
        hub.Methods.Add("same", static (call, _) => new(call.Arguments));

        client.Send(Call(1, "same", Letters(5000)));

        Assert.Equal(0, client.Frames.NextPayload()[0]);
    }
}
