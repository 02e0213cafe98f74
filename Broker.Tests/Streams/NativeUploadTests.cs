using Broker.Actors.Calls;
using Broker.Actors.Calls.Methods;
using Broker.Dialects.Native;
using Broker.Dialects;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Core.Framing;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.Streams;

/// <summary>What clients send as streams, through a whole hub whose turns and clock the test moves.</summary>
public sealed class NativeUploadTests
{
    private const int ChunkBytes = 1024;

    // A window of 4 chunks, 4 streams at once, and at most 16 KiB in one.
    private static StandardSettings Small { get; } = new()
    {
        Clients = new ClientSettings { PingInterval = TimeSpan.FromDays(20) },
        Native = new NativeSettings
        {
            FrameBytesMax = ChunkBytes + Core.Protocol.Messages.Chunk.OverheadBytes,
            Streams = new StreamSettings { OpenMax = 4, BytesMax = 16 * ChunkBytes, Window = 4, ConnectionBytesMax = 24 * ChunkBytes,
                ProcessBytesMax = 32 * ChunkBytes },
        },
    };

    private static string Letters(int count) => new([.. Enumerable.Range(0, count).Select(i => (char)('a' + (i / 7 % 26)))]);

    [Theory, InlineData(true), InlineData(false)]
    public void A_publication_in_chunks_of_any_order_and_size_is_one_for_every_listener(bool batched)
    {
        using var hub = new HubHarness(Small with { Reactors = 2 });
        NativeClient publisher = hub.ConnectNative(batched), near = hub.ConnectNative(), far = hub.ConnectNative(batched: false, loop: 1);
        HubClient json = hub.Connect();
        HubSessionTests.Listen(json, "a");
        foreach (NativeClient each in new[] { near, far })
        {
            each.Send(Subscribe(1, "a"));
            Assert.Equal("subscribed 1 #1 at 0", each.Next());
        }

        string data = Letters(3000);
        byte[][] first = Cut(0, Publish(1, "a", data), 999), second = Cut(1, Publish(2, "a", "x" + data), 1000);
        publisher.SendFrames(Header(0, 3012), first[3], second[1], Ping(1), first[0], second[0], second[2], first[2], second[3], first[1]);

        Assert.Equal("pong 1", publisher.Next());
        Assert.Equal(["published 1 to 3 at 2", "published 2 to 3 at 1"], publisher.Next(2).Order(StringComparer.Ordinal));
        foreach (NativeClient each in new[] { near, far }) Assert.Equal([$"delivery #1 1 x{data}", $"delivery #1 2 {data}"], each.Next(2));
        Assert.EndsWith("""},"tags":{"encoding":"base64"}}}}""", json.NextLine(), StringComparison.Ordinal);
        Assert.Contains(Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes(data)), json.NextLine(), StringComparison.Ordinal);
    }

    [Fact]
    public void Whatever_kind_of_message_comes_as_a_stream_takes_effect_as_in_a_frame()
    {
        using var hub = new HubHarness(Small);
        hub.Methods.Add("same", static (call, _) => new(call.Arguments));
        NativeClient client = hub.ConnectNative();
        string arguments = Letters(5000);

        client.SendFrames([.. Cut(0, Subscribe(1, "a"), 1024), Chunk(1, 0, 1, Ping(7)), .. Cut(2, Call(3, "same", arguments), 1024)]);
        Assert.Equal(["pong 7", $"result 3 {arguments}", "subscribed 1 #1 at 0"], NotCredits(3));
        client.SendFrames(Cut(3, Publish(4, "a", "x"), 3));
        Assert.Equal(["delivery #1 1 x", "published 4 to 1 at 1"], NotCredits(2));

        string[] NotCredits(int count)
        {
            var lines = new List<string>();
            while (lines.Count < count)
            {
                if (client.Next() is var line && !line.StartsWith("credit", StringComparison.Ordinal)) lines.Add(line);
            }

            return [.. lines.Order(StringComparer.Ordinal)];
        }
    }

    public static TheoryData<string, ChunkError, byte[][]> Refusals => new()
    {
        { "a total of 0", ChunkError.ZeroTotalChunks, [Chunk(5, 1, 0, "x"u8)] },
        { "a total over the limit", ChunkError.TotalChunksTooLarge, [Chunk(5, 1, 257, "x"u8)] },
        { "an index over the total", ChunkError.IndexOutOfRange, [Chunk(5, 2, 2, "x"u8)] },
        { "a late chunk of a complete stream", ChunkError.Finished, [Chunk(5, 0, 1, Ping(1)), Chunk(5, 0, 1, Ping(1))] },
        { "a late chunk of a cancelled stream", ChunkError.Cancelled,
            [Chunk(5, 0, 2, "x"u8), CancelStream(5, StreamOwner.Mine), Chunk(5, 1, 2, "x"u8)] },
        { "another total", ChunkError.TotalChunksMismatch, [Chunk(5, 0, 2, "x"u8), Chunk(5, 1, 3, "x"u8)] },
        { "a duplicate", ChunkError.DuplicateChunk, [Chunk(5, 1, 2, "x"u8), Chunk(5, 1, 2, "x"u8)] },
        { "a stream with more bytes than it may have", ChunkError.StreamTooBig, [Header(5, (16 * ChunkBytes) + 1)] },
        { "more than announced", ChunkError.MoreThanAnnounced, [Header(5, 3), Chunk(5, 0, 2, "xxxx"u8)] },
        { "less than announced", ChunkError.LessThanAnnounced, [Header(5, 3), Chunk(5, 0, 1, "xx"u8)] },
        { "a second header", ChunkError.HeaderTwice, [Header(5, 3), Header(5, 3)] },
        { "a result of a call that is not pending", ChunkError.UnknownReference, [Header(5, 3, StreamPurpose.Result, 0x8000_0000)] },
        { "arguments of a call that is not pending", ChunkError.UnknownReference, [Header(5, 3, StreamPurpose.Arguments, 1)] },
        { "a whole stream that is no message", ChunkError.NotAMessage, [Chunk(5, 0, 1, "hello"u8)] },
        { "a whole stream about streams", ChunkError.NotAMessage, [Chunk(5, 0, 1, Credit(1, 1))] },
        { "a whole stream of two messages", ChunkError.NotAMessage, [Chunk(5, 0, 1, Wire.Join(Ping(1), Ping(2)))] },
        { "a whole stream that goes the other way", ChunkError.NotAMessage,
            [Chunk(5, 0, 1, NativeWriter.Message(new Published { Request = 1 }))] },
    };

    [Theory, MemberData(nameof(Refusals))]
    public void A_rejected_chunk_is_reported_and_harms_no_other_transfer(string what, ChunkError error, byte[][] messages)
    {
        using var hub = new HubHarness(Small);
        NativeClient client = hub.ConnectNative(), listener = hub.ConnectNative();
        listener.Send(Subscribe(1, "a"));
        Assert.Equal("subscribed 1 #1 at 0", listener.Next());
        byte[][] other = Cut(9, Publish(7, "a", Letters(40)), 30);

        client.SendFrames(other[0]);
        client.SendFrames(messages);
        client.SendFrames(Ping(4), other[1]);

        string[] received = client.Within(6);
        string refusal = Assert.Single(received, line => line.StartsWith("error Stream", StringComparison.Ordinal));
        Assert.StartsWith($"error Stream {(int)error} id 5 chunk ", refusal, StringComparison.Ordinal);
        Assert.Contains("pong 4", received);
        Assert.True(received.Contains("published 7 to 1 at 1"), $"After {what} another stream is still completed.");
        Assert.Equal($"delivery #1 1 {Letters(40)}", listener.Next());
    }

    [Theory]
    [InlineData(StreamPurpose.Arguments, 1)]
    [InlineData(StreamPurpose.Result, 0x8000_0000)]
    public void A_header_for_a_call_that_is_not_pending_leaves_a_stream_of_its_number_alone(StreamPurpose purpose, uint call)
    {
        using var hub = new HubHarness(Small);
        NativeClient client = hub.ConnectNative();
        byte[][] parts = Cut(5, Publish(7, "a", Letters(40)), 30);

        client.SendFrames(parts[0], Header(5, 3, purpose, call), parts[1]);

        Assert.Equal(["error Stream 219 id 5 chunk 0 message 0", "published 7 to 0 at 0"], client.Next(2));
    }

    [Fact]
    public void A_rejection_has_the_found_and_the_expected_value()
    {
        using var hub = new HubHarness(Small);
        NativeClient client = hub.ConnectNative();

        client.SendFrames(
            Header(1, 3), Chunk(1, 0, 1, "xx"u8), Header(2, 3), Chunk(2, 0, 2, "xxxx"u8), Chunk(3, 0, 1, "hello"u8),
                Chunk(4, 2, 16, "xx"u8), Ping(1));
        var texts = new List<string>();
        while (texts.LastOrDefault() != "pong") texts.AddRange(TextsOf(client.Frames.NextPayload()));
        hub.Advance(TimeSpan.FromSeconds(60.1));
        texts.AddRange(TextsOf(client.Frames.NextPayload()));

        string[] expected =
        [
            "LessThanAnnounced: received 2 bytes in all 1 chunks, and the header announced 3",
            "MoreThanAnnounced: received 4 bytes, and the header announced 3",
            "NotAMessage: a stream of 5 bytes that is not one message which may come this way",
            "pong",
            "Expired: no chunk came for 60 s, received 1 of 16 chunks and 2 bytes",
        ];
        Assert.Equal(expected, texts);
    }

    // Of errors; other messages by their kind.
    private static List<string> TextsOf(byte[] payload)
    {
        var texts = new List<string>();
        var reader = new NativeReader(payload.AsSpan(1), Side.Client, batched: true);
        while (reader.Read(out NativeMessage message) == System.Buffers.OperationStatus.Done)
            texts.Add(message.Kind == NativeKind.Error ? message.As<NativeError>().Text.ToText() : message.Kind == NativeKind.Pong ? "pong"
                : $"{message.Kind}");
        return texts;
    }

    [Fact]
    public void A_chunk_with_more_data_than_one_may_have_drops_its_stream()
    {
        // Where a frame may be longer than a chunk, as in the default.
        using var hub = new HubHarness();
        NativeClient client = hub.ConnectNative();

        client.Send(Chunk(5, 3, 9, new byte[(256 * 1024) + 1]));
        client.Send(Chunk(5, 0, 9, "x"u8), Ping(1));

        Assert.Equal(["error Stream 211 id 5 chunk 3 message 0", "error Stream 209 id 5 chunk 0 message 0", "pong 1"], client.Next(3));
    }

    [Fact]
    public void The_ninth_stream_is_refused_and_the_eight_before_it_are_completed()
    {
        using var hub = new HubHarness();
        NativeClient client = hub.ConnectNative();
        byte[][][] streams = [.. Enumerable.Range(0, 9).Select(i => Cut((uint)i, Publish((uint)i + 1, "a", Letters(40)), 30))];

        client.Send([.. streams.Select(chunks => chunks[0])]);
        Assert.Equal("error Stream 205 id 8 chunk 0 message 8", client.Next());
        client.Send([.. streams.Select(chunks => chunks[1])]);

        string[] expected = ["error Stream 209 id 8 chunk 1 message 8", .. Enumerable.Range(1, 8).Select(i => $"published {i} to 0 at 0")];
        Assert.Equal(expected, client.Next(9).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_stream_expires_by_the_clock_alone_and_what_moves_lives_until_its_absolute_limit()
    {
        using var hub = new HubHarness(Small);
        NativeClient client = hub.ConnectNative();
        client.SendFrames(Chunk(0, 0, 16, "x"u8), Chunk(1, 0, 16, "x"u8));
        client.Within(4);

        for (uint index = 1; index <= 4; index++)
        {
            hub.Advance(TimeSpan.FromSeconds(14));
            client.Send(Chunk(1, index, 16, "x"u8));
            Assert.DoesNotContain(client.Within(4), line => line.StartsWith("error", StringComparison.Ordinal));
        }

        hub.Advance(TimeSpan.FromSeconds(4.1));
        Assert.Contains("error Stream 204 id 0 chunk 0 message 0", client.Within(4));
        client.Send(Chunk(0, 1, 16, "x"u8));
        Assert.Equal("error Stream 204 id 0 chunk 1 message 0", client.Next());
        client.Send(Chunk(1, 5, 16, "x"u8), Ping(1));
        Assert.Equal("pong 1", client.Within(4).Last());
    }

    [Fact]
    public void However_steadily_a_stream_trickles_its_time_is_limited()
    {
        using var hub =
            new HubHarness(
                Small with { Native = Small.Native with { Streams = Small.Native.Streams with { LifeLimit = TimeSpan.FromSeconds(25) } } });
        NativeClient client = hub.ConnectNative();
        client.Send(Chunk(0, 0, 16, "x"u8));
        client.Within(4);
        hub.Advance(TimeSpan.FromSeconds(12));
        client.Send(Chunk(0, 1, 16, "x"u8));
        client.Within(4);
        hub.Advance(TimeSpan.FromSeconds(12));
        client.Send(Chunk(0, 2, 16, "x"u8));
        Assert.DoesNotContain(client.Within(4), line => line.StartsWith("error", StringComparison.Ordinal));

        hub.Advance(TimeSpan.FromSeconds(1.1));

        Assert.Contains("error Stream 204 id 0 chunk 0 message 0", client.Within(4));
    }

    [Fact]
    public void Credit_is_withheld_while_the_connection_has_no_room_for_the_rest_of_a_stream()
    {
        using var hub = new HubHarness(Small);
        NativeClient client = hub.ConnectNative();
        Assert.Equal(["credit Stream 0 2", "credit Stream 0 2"], Fill(client, stream: 0, from: 0, to: 4));

        Assert.Empty(Fill(client, stream: 1, from: 0, to: 4));
        hub.Advance(TimeSpan.FromSeconds(59));
        Assert.NotEmpty(Fill(client, stream: 0, from: 4, to: 8));
        hub.Advance(TimeSpan.FromSeconds(59));

        // Nothing can be held against the one that waits: it goes on where it stopped, and has all its time.
        client.Send(CancelStream(0, StreamOwner.Mine));
        Assert.Equal(["credit Stream 1 4"], client.Within(2));
        hub.Advance(TimeSpan.FromSeconds(59));
        Assert.DoesNotContain(Fill(client, stream: 1, from: 4, to: 16), line => line.StartsWith("error", StringComparison.Ordinal));
    }

    [Fact]
    public void Credit_waits_for_process_memory_and_is_granted_when_it_frees()
    {
        using var hub = new HubHarness(Small);
        NativeClient holder = hub.ConnectNative(), waiting = hub.ConnectNative();
        Assert.NotEmpty(Fill(holder, stream: 0, from: 0, to: 4));
        Assert.Empty(Fill(waiting, stream: 0, from: 0, to: 4));

        holder.Frames.Dispose();
        hub.Advance(TimeSpan.FromSeconds(0.2));

        Assert.Equal(["credit Stream 0 4"], waiting.Within(2));
        Assert.DoesNotContain(Fill(waiting, stream: 0, from: 4, to: 16), line => line.StartsWith("error", StringComparison.Ordinal));
    }

    [Fact]
    public void A_stalled_transfer_is_shed_while_others_wait_for_memory()
    {
        using var hub = new HubHarness(Small);
        NativeClient hostile = hub.ConnectNative(), honest = hub.ConnectNative();
        Assert.NotEmpty(Fill(hostile, stream: 0, from: 0, to: 4));
        Assert.Empty(Fill(honest, stream: 0, from: 0, to: 4));

        for (int i = 0; i < 40; i++) hub.Advance(TimeSpan.FromSeconds(0.1));

        Assert.Equal(["error Stream 214 id 0 chunk 0 message 0"], hostile.Within(2));
        Assert.Equal(["credit Stream 0 4"], honest.Within(2));
        hostile.Send(Ping(1));
        Assert.Equal("pong 1", hostile.Next());
    }

    [Fact]
    public void What_comes_without_credit_is_bounded_by_the_connection()
    {
        using var hub = new HubHarness(Small);
        NativeClient client = hub.ConnectNative();
        Fill(client, stream: 0, from: 0, to: 4);
        Fill(client, stream: 1, from: 0, to: 4);

        Assert.Equal(["error Stream 213 id 2 chunk 3 message 0"], Fill(client, stream: 2, from: 0, to: 4));
    }

    // Some of 17 chunks, and what is received meanwhile.
    private static List<string> Fill(NativeClient client, uint stream, uint from, uint to)
    {
        var received = new List<string>();
        for (uint i = from; i < to; i++)
        {
            client.Send(Chunk(stream, i, 17, new byte[ChunkBytes]));
            received.AddRange(client.Within(2));
        }

        return received;
    }

    [Fact]
    public void Long_arguments_count_until_the_handler_returns()
    {
        var streams = new StreamSettings { BytesMax = 80_000, ConnectionBytesMax = 150_000 };
        using var hub =
            new HubHarness(
                new StandardSettings { Calls = new CallSettings { BytesMax = 1024 }, Native = new NativeSettings { Streams = streams } });
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        hub.Methods.Add("slow", async (call, _) =>
        {
            await release.Task;
            return new byte[] { (byte)call.Arguments.Length };
        });
        NativeClient client = hub.ConnectNative();
        for (uint i = 0; i < 2; i++) Send(i);
        Send(2);
        Assert.Equal("fault 2 Overloaded: arguments of too many bytes are pending", NotCredit());

        release.SetResult();
        Assert.Equal(2, new[] { NotCredit(), NotCredit() }.Distinct().Count(line => line.StartsWith("result", StringComparison.Ordinal)));
        Send(3);
        Assert.StartsWith("result 3", NotCredit(), StringComparison.Ordinal);

        void Send(uint id)
        {
            foreach (byte[] chunk in Cut(id, Call(id, "slow", Letters(70_000)), 20_000))
            {
                client.Send(chunk);
                hub.Turn(2);
            }
        }

        string NotCredit()
        {
            string line;
            do line = client.Next();
            while (line.StartsWith("credit", StringComparison.Ordinal));
            return line;
        }
    }

    [Fact]
    public void A_publication_that_no_stream_could_deliver_is_refused()
    {
        const int BytesMax = 2 * 1024 * 1024;
        var settings = new StandardSettings { Native = new NativeSettings { Streams = new StreamSettings { BytesMax = BytesMax } } };
        using var hub = new HubHarness(settings);
        NativeClient client = hub.ConnectNative();
        byte[] message = Publish(9, "a", new string('x', BytesMax - 12));
        Assert.Equal(BytesMax, message.Length);

        string last = "";
        foreach (byte[] chunk in Cut(0, message, 256 * 1024))
        {
            client.SendFrames(chunk);
            hub.Turn(1);
            last = client.Within(1).LastOrDefault() ?? last;
        }

        hub.RunUntil(
            () => (last = client.Within(1).LastOrDefault() ?? last) == "error Request 106 id 9 chunk 0 message 0",
                "the publication is refused");
    }

    [Fact]
    public void A_json_subscriber_of_a_long_publication_is_asked_to_resubscribe()
    {
        using var hub =
            new HubHarness(
                new StandardSettings { Routing = new Broker.Actors.Channels.Delivery.ChannelSettings { LineBytesMax = 299_999 } });
        NativeClient client = hub.ConnectNative();
        HubClient json = hub.Connect();
        HubSessionTests.Listen(json, "a");

        client.SendFrames(Cut(0, Publish(1, "a", Letters(300_000)), 100_000));

        Assert.Equal("published 1 to 1 at 1", client.Next());
        Assert.Equal("""{"push":{"channel":"a","unsubscribe":{"code":2500,"reason":"insufficient state"}}}""", json.NextLine());
        HubSessionTests.Listen(json, "a");
        client.Send(Publish(2, "a", "1"));
        Assert.Contains("\"data\":1", json.NextLine(), StringComparison.Ordinal);
    }
}
