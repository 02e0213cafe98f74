using Broker.Actors.Channels.Relay;
using Broker.Actors.Sessions;

namespace Broker.Tests.Channels;

public sealed class ChannelGateTests
{
    [Fact]
    public void Appends_may_follow_each_other_and_a_read_waits_for_them()
    {
        var gate = new ChannelGate();
        Assert.False(gate.MustWait("a", "first", isAppend: true));
        gate.Begin("a", isAppend: true);
        Assert.False(gate.MustWait("a", "second", isAppend: true));
        gate.Begin("a", isAppend: true);
        Assert.True(gate.MustWait("a", "read", isAppend: false));
        Assert.True(gate.MustWait("a", "third", isAppend: true));      // Behind the read.
        Assert.False(gate.MustWait("b", "other", isAppend: false));

        gate.End("a", isAppend: true);
        Assert.False(gate.TryTake("a", out _));
        gate.End("a", isAppend: true);
        Assert.True(gate.TryTake("a", out object? read));
        Assert.Equal("read", read);
        gate.Begin("a", isAppend: false);
        Assert.False(gate.TryTake("a", out _));
        gate.End("a", isAppend: false);
        Assert.True(gate.TryTake("a", out object? third));
        Assert.Equal("third", third);
        Assert.False(gate.TryTake("a", out _));
        Assert.True(gate.IsEmpty);
    }

    [Fact]
    public void A_rate_allows_twice_its_second_at_once_and_then_its_pace()
    {
        var rate = new RateLimit(5);
        for (int i = 0; i < 10; i++) Assert.True(rate.TryTake(1000));
        Assert.False(rate.TryTake(1000));
        Assert.False(rate.TryTake(1199));
        Assert.True(rate.TryTake(1200));
        Assert.False(rate.TryTake(1200));
        for (int i = 0; i < 10; i++) Assert.True(rate.TryTake(100_000));
        Assert.False(rate.TryTake(100_000));
    }
}
