using Broker.Actors.Channels.Delivery;
using Broker.Dialects.Centrifuge;
using Broker.Dialects;
using Broker.Actors.Channels;
using Broker.Actors.Settings;
using Broker.Reactor.Loops;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Streams;

/// <summary>Clients that read too slowly or write too fast, and what the others notice of it: nothing.</summary>
public sealed class PressureTests
{
    private static readonly string s_kilobyte = new('x', 1000);

    [Fact]
    public void A_slow_reader_is_disconnected_and_others_get_everything()
    {
        using var hub = new HubHarness(new StandardSettings { Reactor = new ReactorSettings { QueueBytesMax = 128 * 1024 } });
        HubClient slow = hub.Connect(receiveBufferBytes: 4096), good = hub.Connect(), publisher = hub.Connect();
        HubSessionTests.Listen(slow, "a");
        HubSessionTests.Listen(good, "a");

        int published = 0;
        for (; hub.Counters.Ended(ClosureCause.SlowReader) == 0 && published < 20_000; published++)
        {
            publisher.Send($$$"""{"id":{{{published + 3}}},"publish":{"channel":"a","data":"{{{published}}} {{{s_kilobyte}}}"}}""");
            Assert.Contains($"\"data\":\"{published} ", good.NextLine(), StringComparison.Ordinal);
            publisher.Read();
        }

        Assert.Equal(1, hub.Counters.Ended(ClosureCause.SlowReader));
        Assert.Equal((3008, "slow"), slow.NextClose());
        string[] received = [.. slow.LinesWithin(0)];
        Assert.All(received.Index(), each => Assert.Contains($"\"data\":\"{each.Index} ", each.Item, StringComparison.Ordinal));
        Assert.InRange(received.Length, 1, published - 1);
    }

    [Fact]
    public void A_client_that_reads_nothing_for_the_limit_is_disconnected()
    {
        var settings = new StandardSettings { Reactor = new ReactorSettings { QueueBytesMax = 64 * 1024 * 1024 } };
        using var hub = new HubHarness(settings);
        HubClient slow = hub.Connect(receiveBufferBytes: 4096), publisher = hub.Connect();
        HubSessionTests.Listen(slow, "a");
        for (int i = 0; i < 600; i++)
            publisher.Send($$$"""{"id":{{{i + 3}}},"publish":{"channel":"a","data":"{{{new string('y', 8000)}}}"}}""");
        publisher.NextLines(600);
        Assert.Equal(0, hub.Counters.Ended(ClosureCause.SlowReader));

        hub.Advance(settings.Reactor.BlockedLimit + TimeSpan.FromMilliseconds(128));
        Assert.Equal(0, hub.Counters.Ended(ClosureCause.ClosedByServer));
        Assert.Equal(1, hub.Counters.Ended(ClosureCause.SlowReader));
    }

    [Fact]
    public void A_publisher_that_is_too_fast_is_not_read()
    {
        // Two loops: the client's, and the home's, which stands still at first, so that nothing is answered.
        using var hub = new HubHarness(new StandardSettings
        {
            Reactors = 2,
            Reactor = new ReactorSettings { ScratchBytes = 4096 },
            Centrifuge = new CentrifugeSettings { CommandBytesMax = 32 * 1024 },
        });
        string channel = Enumerable.Range(0, 100).Select(i => $"channel-{i}").First(name => ChannelRoutes.NumberOf(name, 2) == 1);
        HubClient client = hub.Connect();
        const int count = 400;
        int sentBytes = 0;
        for (int i = 0; i < count; i++)
        {
            byte[] frame = HubClient.Frame($$$"""{"id":{{{i + 2}}},"publish":{"channel":"{{{channel}}}","data":"{{{s_kilobyte}}}"}}""");
            sentBytes += frame.Length;
            client.SendRaw(frame);
            hub.Loops[0].RunOnce(0);
        }

        EventLoop home = hub.Loops[1];
        for (int turn = 0; turn < 200; turn++) hub.Loops[0].RunOnce(0);
        client.Read();
        home.RunOnce(0);
        hub.Loops[0].RunOnce(0);
        client.Read();
        int answeredFirst = client.LinesWithin(0).Length;

        // What was read of it before the pause: the bound, and one read more at most.
        Assert.InRange(answeredFirst, 20, (32 * 1024 / 1000) + 5);
        string[] rest = client.NextLines(count - answeredFirst);
        Assert.Equal(Enumerable.Range(2 + answeredFirst, count - answeredFirst).Select(id => $$$"""{"id":{{{id}}},"publish":{}}"""), rest);
        Assert.True(sentBytes > 10 * 32 * 1024);
    }

    [Fact]
    public void While_a_loop_lags_publishers_elsewhere_wait_for_their_replies()
    {
        using var hub = new HubHarness(new StandardSettings { Reactors = 2, Routing = new ChannelSettings { LoopBytesMax = 10_000 } });
        string channel = Enumerable.Range(0, 100).Select(i => $"channel-{i}").First(name => ChannelRoutes.NumberOf(name, 2) == 0);
        HubClient publisher = hub.Connect(0), listener = hub.Connect(1);
        HubSessionTests.Listen(listener, channel);

        for (int i = 0; i < 20; i++)
            publisher.Send($$$"""{"id":{{{i + 2}}},"publish":{"channel":"{{{channel}}}","data":"{{{s_kilobyte}}}"}}""");
        for (int turn = 0; turn < 50; turn++) hub.Loops[0].RunOnce(0);      // The listener's loop stands still.
        publisher.Read();
        int early = publisher.LinesWithin(0).Length;

        Assert.InRange(early, 5, 10);
        Assert.Equal(20 - early, publisher.NextLines(20 - early).Length);
        Assert.Equal(20, listener.NextLines(20).Length);
    }
}
