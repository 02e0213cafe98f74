using Broker.Actors.Sessions;
using Broker.Core.Framing;
using Broker.Reactor.Loops;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Streams;

/// <summary>Clients that say nothing, under a clock that the test moves.</summary>
public sealed class SilenceTests : IDisposable
{
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(64);        // A deadline may be so late.
    private static readonly ClientSettings s_settings = new();
    private static readonly TimeSpan s_lead = TimeSpan.FromSeconds(1);              // No client is pinged before it.
    private static readonly TimeSpan s_firstPing = s_lead + s_settings.PingInterval + s_tick;   // Every client is, by then.
    private readonly HubHarness _hub = new();

    public void Dispose() => _hub.Dispose();

    [Fact]
    public void A_client_that_does_not_connect_in_time_is_stale()
    {
        HubClient client = _hub.Dial();

        _hub.Advance(s_settings.ConnectLimit - s_tick);
        Assert.Empty(client.LinesWithin(4));
        Assert.Null(client.Close);
        _hub.Advance(2 * s_tick);

        Assert.Equal((3502, "stale"), client.NextClose());
        Assert.Equal(1, _hub.Counters.Ended(ClosureCause.ClosedByServer));
    }

    [Fact]
    public void A_client_that_sends_without_connecting_is_stale()
    {
        HubClient client = _hub.Dial();
        _hub.Advance(s_settings.ConnectLimit / 2);

        client.SendRaw(FrameWriter.Ping("alive"u8, 0x37fa213d));
        _hub.Turn(4);
        _hub.Advance((s_settings.ConnectLimit / 2) + s_tick);

        Assert.Equal(3502, client.NextClose().Code);
    }

    [Fact]
    public void The_first_ping_comes_in_an_interval_that_begins_a_little_late()
    {
        HubClient client = _hub.Connect();

        _hub.Advance(s_lead - s_tick);
        Assert.Empty(client.LinesWithin(4));
        _hub.Advance(s_settings.PingInterval + (2 * s_tick));

        Assert.Equal("{}", client.NextFrame());
    }

    [Fact]
    public void An_unanswered_ping_disconnects_after_the_limit()
    {
        HubClient client = _hub.Connect();
        _hub.Advance(s_firstPing);
        Assert.Equal("{}", client.NextLine());

        _hub.Advance(s_settings.PongLimit - s_tick);
        _hub.Turn(4);
        client.Read();
        Assert.Null(client.Close);
        _hub.Advance(2 * s_tick);

        Assert.Equal((3012, "no pong"), client.NextClose());
    }

    [Fact]
    public void A_client_that_answers_is_pinged_once_per_interval()
    {
        HubClient client = _hub.Connect();
        _hub.Advance(s_firstPing);
        Assert.Equal("{}", client.NextLine());

        for (int interval = 0; interval < 20; interval++)
        {
            client.Send("{}");
            _hub.Turn(4);
            _hub.Advance(s_settings.PongLimit + s_tick);
            _hub.Advance(s_settings.PingInterval - s_settings.PongLimit + s_tick);
            Assert.Equal(["{}"], client.LinesWithin(4));
        }

        Assert.Null(client.Close);
    }

    public static TheoryData<byte[]> Answers => new()
    {
        HubClient.Frame("{}"),
        HubClient.Frame("""{"id":2,"publish":{"channel":"a","data":1}}"""),
        FrameWriter.Pong([], 0x37fa213d),
        HubClient.Frame("""{"send":{"data":1}}""")[..7],
    };

    [Theory, MemberData(nameof(Answers))]
    public void Any_message_answers_a_ping(byte[] answer)
    {
        HubClient client = _hub.Connect();
        _hub.Advance(s_firstPing);
        Assert.Equal("{}", client.NextLine());

        client.SendRaw(answer);
        _hub.Turn(4);
        _hub.Advance(s_settings.PongLimit + s_tick);
        _hub.Turn(4);
        client.Read();

        Assert.Null(client.Close);
    }

    [Fact]
    public void A_subscriber_that_sends_nothing_is_still_pinged()
    {
        HubClient listener = _hub.Connect(), publisher = _hub.Connect();
        HubSessionTests.Listen(listener, "a");
        _hub.Advance(s_lead / 2);
        publisher.Send("""{"id":3,"publish":{"channel":"a","data":1}}""");
        Assert.Contains("\"data\":1", listener.NextLine(), StringComparison.Ordinal);

        _hub.Advance(s_firstPing);
        Assert.Equal("{}", listener.NextLine());
        _hub.Advance(s_settings.PongLimit + s_tick);

        Assert.Equal(3012, listener.NextClose().Code);
    }
}
