using Broker.Actors.Channels.Relay;

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
    public void Reads_that_wait_together_go_one_after_the_other()
    {
        var gate = new ChannelGate();
        gate.Begin("a", isAppend: false);
        foreach (string each in (string[])["first", "second", "third"]) Assert.True(gate.MustWait("a", each, isAppend: false));
        gate.End("a", isAppend: false);

        // What is taken is asked about as anything that comes: with others behind it, it must not join them again.
        foreach (string each in (string[])["first", "second", "third"])
        {
            Assert.True(gate.TryTake("a", out object? taken));
            Assert.Equal(each, taken);
            Assert.False(gate.MustWait("a", taken, isAppend: false));
            gate.Begin("a", isAppend: false);
            Assert.False(gate.TryTake("a", out _));
            gate.End("a", isAppend: false);
        }

        Assert.True(gate.IsEmpty);
    }
}
