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
    public void Reads_that_wait_together_run_one_after_the_other()
    {
        var ran = new List<object>();
        ChannelOrder order = null!;
        order = new ChannelOrder(thread: null!, command =>
        {
            // It waits for the store itself: what stands behind it stays there, and it does not wait again.
            ran.Add(command);
            order.Begin("a", isAppend: false);
        });
        order.Begin("a", isAppend: false);
        foreach (string each in (string[])["first", "second", "third"]) Assert.True(order.MustWait("a", each, isAppend: false));

        foreach (string answered in (string[])["zeroth", "first", "second", "third"])
            order.End("a", isAppend: false, () => ran.Add($"{answered} is done"));

        Assert.Equal(["zeroth is done", "first", "first is done", "second", "second is done", "third", "third is done"], ran);
        Assert.True(order.IsEmpty);
    }
}
