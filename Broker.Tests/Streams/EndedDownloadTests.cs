using System.Text;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.Streams;

/// <summary>Streams to clients that are not sent to their end, or not taken: who waits for them is told.</summary>
public sealed class EndedDownloadTests : DownloadTest
{
    [Fact]
    public void A_minute_without_credit_reports_the_loss_and_keeps_the_connection()
    {
        using HubHarness hub = HubWith(Letters(2500));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 1));
        client.Send(Subscribe(1, "a"));
        Assert.Equal("subscribed 1 #1 at 0", client.Next());
        client.Send(Call(2, "large"));
        Assert.Equal(["stream 0 Result 2 of 2500", "chunk 0 0/3 of 1024"], client.Next(2));
        client.SendFrames(Cut(0, Publish(0, "a", Letters(2000)), 900));
        Assert.Equal(["stream 1 Message 0 of 2017", "chunk 1 0/2 of 1024"], NotCredit(client, 2));

        for (int i = 0; i < 3; i++)
        {
            hub.Advance(TimeSpan.FromSeconds(19));
            client.Send(Ping(1));
        }

        Assert.DoesNotContain(client.Within(4), line => line.StartsWith("stream-cancel", StringComparison.Ordinal));
        hub.Advance(TimeSpan.FromSeconds(4));

        string[] expected =
            ["fault 2 Deadline: the result was not taken in time", "missed #1 1 1", "stream-cancel Mine 0 204", "stream-cancel Mine 1 204"];
        Assert.Equal(expected, client.Within(4).Where(line => line != "pong 1").Order(StringComparer.Ordinal));
        client.Send(Ping(2));
        Assert.Equal("pong 2", client.Next());
    }

    [Fact]
    public void A_stream_that_the_client_cancels_or_refuses_ends_and_others_go_on()
    {
        using HubHarness hub = HubWith(Letters(2500));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 1));
        client.Send(Call(1, "large"));
        Assert.Equal(["stream 0 Result 1 of 2500", "chunk 0 0/3 of 1024"], client.Next(2));
        client.Send(Call(2, "large"));
        Assert.Equal(["stream 1 Result 2 of 2500", "chunk 1 0/3 of 1024"], client.Next(2));

        client.Send(CancelStream(0, StreamOwner.Yours),
            NativeWriter.Message(new NativeError { Scope = ErrorScope.Stream, Id = 1, Code = 214 }), Credit(0, 9), Credit(1, 9));
        Assert.Equal(
            ["fault 1 Cancelled: the result was refused by the client",
                "fault 2 Overloaded: the result was refused by the client: ProcessFull"], client.Next(2));
        Assert.Empty(client.Within(4));

        client.Send(Call(3, "large"));
        Assert.Equal(["stream 2 Result 3 of 2500", "chunk 2 0/3 of 1024"], client.Next(2));
    }

    [Fact]
    public void A_result_that_was_sent_whole_and_is_refused_ends_its_call_too()
    {
        using HubHarness hub = HubWith(Letters(2500));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 4));
        client.Send(Call(1, "large"), Call(2, "large"));
        Assert.Equal(8, client.Next(8).Length);

        byte[] refusal = NativeWriter.Message(new NativeError { Scope = ErrorScope.Stream, Id = 0, ChunkIndex = 1, Code = 212 });
        client.Send(refusal, refusal, Cancel(2), CancelStream(1, StreamOwner.Yours), Ping(1));

        Assert.Equal(["fault 1 ResultTooBig: the result was refused by the client: StreamTooBig", "pong 1"], client.Next(2));
        Assert.Empty(client.Within(4));
    }

    [Fact]
    public void A_call_that_is_cancelled_is_sent_no_more_of_its_result()
    {
        using HubHarness hub = HubWith(Letters(2500));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 1));
        client.Send(Call(1, "large"), Call(2, "large"));
        Assert.Equal(4, client.Next(4).Length);

        client.Send(Cancel(1), Cancel(0x8000_0000), Cancel(7));
        client.Send(Credit(0, 9));

        Assert.Equal(["fault 1 Cancelled: cancelled", "stream-cancel Mine 0 0"], client.Next(2).Order(StringComparer.Ordinal));
        Assert.Empty(client.Within(4));
        client.Send(Cancel(1), CancelStream(0, StreamOwner.Yours), Credit(1, 2));
        Assert.Equal(["chunk 1 1/3 of 1024", "chunk 1 2/3 of 452"], client.Next(2));
        Assert.Empty(client.Within(4));
    }

    [Fact]
    public void A_cancel_and_the_end_of_the_stream_in_one_frame_are_a_cancel()
    {
        using HubHarness hub = HubWith(Letters(2500));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 1));
        client.Send(Call(1, "large"));
        Assert.Equal(2, client.Next(2).Length);

        client.Send(Cancel(1),
            NativeWriter.Message(new StreamCancel { Stream = 0, Owner = StreamOwner.Yours, Code = ChunkError.Cancelled }));

        Assert.Equal("fault 1 Cancelled: cancelled", client.Next());
    }

    [Theory, InlineData(1), InlineData(2)]
    public void A_delivery_that_the_client_refuses_is_missed(int window)
    {
        using HubHarness hub = HubWith("");
        NativeClient client = hub.ConnectNative(hello: SmallHello(window));
        client.Send(Subscribe(1, "a"));
        Assert.Equal("subscribed 1 #1 at 0", client.Next());
        client.SendFrames(Cut(0, Publish(0, "a", Letters(2000)), 900));
        NotCredit(client, 1 + window);

        client.Send(NativeWriter.Message(new NativeError { Scope = ErrorScope.Stream, Id = 0, Code = 213 }), Credit(0, 9), Ping(1));

        Assert.Equal(["missed #1 1 1", "pong 1"], client.Next(2));
        Assert.Empty(client.Within(4));
    }

    [Fact]
    public void After_unsubscribed_nothing_of_a_delivery_follows()
    {
        using HubHarness hub = HubWith("");
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 1));
        client.Send(Subscribe(1, "a"));
        Assert.Equal("subscribed 1 #1 at 0", client.Next());
        client.SendFrames(Cut(0, Publish(0, "a", Letters(2000)), 900));
        Assert.Equal(["stream 0 Message 0 of 2017", "chunk 0 0/2 of 1024"], NotCredit(client, 2));

        client.Send(Unsubscribe(2, 1), Credit(0, 5));

        Assert.Equal(["stream-cancel Mine 0 0", "unsubscribed 2 #1 0"], client.Next(2).Order(StringComparer.Ordinal));
        Assert.Empty(client.Within(4));
    }

    [Fact]
    public void However_steadily_a_client_takes_a_stream_its_time_is_limited()
    {
        using var hub =
            new HubHarness(
                Small with { Native = Small.Native with { Streams = Small.Native.Streams with { LifeLimit = TimeSpan.FromSeconds(25) } } });
        hub.Methods.Add("large", (_, _) => new(Encoding.UTF8.GetBytes(Letters(5000))));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 1));
        client.Send(Call(1, "large"));
        client.Next(2);
        for (int i = 1; i <= 2; i++)
        {
            hub.Advance(TimeSpan.FromSeconds(12));
            client.Send(Credit(0, 1));
            Assert.Equal($"chunk 0 {i}/5 of 1024", client.Next());
        }

        hub.Advance(TimeSpan.FromSeconds(1.1));

        Assert.Equal(
            ["fault 1 Deadline: the result was not taken in time", "stream-cancel Mine 0 204"],
                client.Next(2).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_stream_without_credit_is_not_kept_because_another_moves()
    {
        using HubHarness hub = HubWith(Letters(40_000));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 0));
        client.Send(Call(1, "large"), Call(2, "large"));
        Assert.Equal(["stream 0 Result 1 of 40000", "stream 1 Result 2 of 40000"], client.Next(2));

        for (int i = 0; i < 3; i++)
        {
            hub.Advance(TimeSpan.FromSeconds(19));
            client.Send(Credit(0, 1));
            Assert.Equal($"chunk 0 {i}/40 of 1024", client.Next());
        }

        hub.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(
            ["fault 2 Deadline: the result was not taken in time", "stream-cancel Mine 1 204"],
                client.Next(2).Order(StringComparer.Ordinal));
        client.Send(Credit(0, 1));
        Assert.Equal("chunk 0 3/40 of 1024", client.Next());
    }

    [Fact]
    public void A_stream_that_waits_for_its_turn_is_not_late_for_that()
    {
        using var hub = new HubHarness(Small with { Native = Small.Native with { Streams = Small.Native.Streams with { OpenMax = 1 } } });
        hub.Methods.Add("large", (_, _) => new(Encoding.UTF8.GetBytes(Letters(5000))));
        NativeClient client = hub.ConnectNative(hello: SmallHello(window: 0));
        client.Send(Call(1, "large"), Call(2, "large"));
        Assert.Equal("stream 0 Result 1 of 5000", client.Next());

        for (int i = 0; i < 5; i++)
        {
            hub.Advance(TimeSpan.FromSeconds(19));
            client.Send(Credit(0, 1));
            Assert.Equal($"chunk 0 {i}/5 of {(i < 4 ? 1024 : 904)}", client.Next());
        }

        Assert.Equal("stream 1 Result 2 of 5000", client.Next());
        for (int i = 0; i < 3; i++)
        {
            hub.Advance(TimeSpan.FromSeconds(19));
            client.Send(Ping(1));
            Assert.Equal("pong 1", client.Next());
        }

        hub.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal(
            ["fault 2 Deadline: the result was not taken in time", "stream-cancel Mine 1 204"],
                client.Next(2).Order(StringComparer.Ordinal));
    }
}
