using Broker.Actors.Dialects;
using Xunit;

namespace Broker.Tests.Dialects.Centrifuge;

public class KeepAliveTests
{
    [Fact]
    public void A_client_that_never_connects_is_stale_whatever_it_sends()
    {
        var keepAlive = new KeepAlive();
        keepAlive.Receive();

        Assert.Equal(KeepAliveStep.Stale, keepAlive.Next());
    }

    [Fact]
    public void A_silent_connected_client_is_pinged_and_then_disconnected()
    {
        KeepAlive keepAlive = Connected();

        Assert.Equal(KeepAliveStep.Ping, keepAlive.Next());
        Assert.Equal(KeepAliveStep.NoPong, keepAlive.Next());
    }

    [Fact]
    public void A_message_before_a_ping_does_not_answer_it()
    {
        KeepAlive keepAlive = Connected();
        keepAlive.Receive();

        Assert.Equal(KeepAliveStep.Ping, keepAlive.Next());
        Assert.Equal(KeepAliveStep.NoPong, keepAlive.Next());
    }

    [Fact]
    public void Any_message_answers_a_ping_and_the_next_still_goes_out()
    {
        KeepAlive keepAlive = Connected();
        for (int interval = 0; interval < 100; interval++)
        {
            Assert.Equal(KeepAliveStep.Ping, keepAlive.Next());
            keepAlive.Receive();
            Assert.Equal(KeepAliveStep.Wait, keepAlive.Next());
            if (interval % 2 == 0) keepAlive.Receive();
        }

        Assert.Equal(KeepAliveStep.Ping, keepAlive.Next());
        Assert.Equal(KeepAliveStep.NoPong, keepAlive.Next());
    }

    [Theory]
    [InlineData(25_000)]
    [InlineData(1_000)]
    [InlineData(3)]
    [InlineData(1)]
    public void The_first_ping_comes_anywhere_in_an_interval_that_begins_a_little_late(int milliseconds)
    {
        var random = new Random(20_261_122);
        var interval = TimeSpan.FromMilliseconds(milliseconds);
        TimeSpan[] firsts = [.. Enumerable.Range(0, 2_000).Select(_ => KeepAlive.FirstPingAfter(interval, random))];

        // Both ends are reached, or nearly so, nothing beyond them, and as many come early as late.
        var lead = TimeSpan.FromMilliseconds(Math.Min(milliseconds / 10, 1000));
        Assert.InRange(firsts.Min(), lead, lead + interval / 100);
        Assert.InRange(firsts.Max(), lead + interval - interval / 100, lead + interval);
        Assert.InRange(firsts.Count(first => first < lead + interval / 2), 900, 1_100);
    }

    private static KeepAlive Connected()
    {
        var keepAlive = new KeepAlive();
        keepAlive.Connect();
        return keepAlive;
    }
}
