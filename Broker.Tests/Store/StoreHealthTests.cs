using Broker.Store;

namespace Broker.Tests.Store;

/// <summary>What is told of a store that cannot write.</summary>
public sealed class StoreHealthTests
{
    private readonly List<StoreNotice> _notices = [];
    private readonly IOException _failure = new("Input/output error");

    [Fact]
    public void Reports_once_that_only_a_restart_helps()
    {
        var health = new StoreHealth(_notices.Add);

        for (int i = 0; i < 100; i++) health.FailProbe(_failure, diskWorks: false);
        Assert.StartsWith("The store cannot write", Assert.Single(_notices).Text, StringComparison.Ordinal);
        for (int i = 0; i < 100; i++) health.FailProbe(_failure, diskWorks: true);
        Assert.Equal(2, _notices.Count);
        Assert.True(_notices[1].IsError);
        Assert.Contains("until the process is restarted", _notices[1].Text, StringComparison.Ordinal);
        Assert.True(health.IsFailing);
    }

    [Fact]
    public void Reports_that_the_store_writes_again_soon_after_the_disk()
    {
        var health = new StoreHealth(_notices.Add);

        for (int i = 0; i < 3; i++) health.FailProbe(_failure, diskWorks: false);
        for (int i = 0; i < 10; i++) health.FailProbe(_failure, diskWorks: true);
        health.Recover();

        Assert.Equal(2, _notices.Count);
        Assert.Equal((false, "The store can write again."), (_notices[1].IsError, _notices[1].Text));
        Assert.False(health.IsFailing);
    }
}
