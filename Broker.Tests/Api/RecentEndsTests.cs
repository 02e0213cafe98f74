using Broker.Actors.Recent;
using Microsoft.Extensions.Time.Testing;
using Xunit;

namespace Broker.Tests.Api;

public sealed class RecentEndsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void The_oldest_is_dropped_beyond_the_bytes()
    {
        var ends = new RecentEnds(bytesMax: 2000, _time);
        DateTimeOffset first = _time.GetUtcNow();
        for (int i = 0; i < 100; i++)
        {
            ends.AddSubscription($"client {i}", "channel", since: 1, upTo: 2, SubscriptionEnd.ByClient);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(ends.Count, 5, 15);
        Assert.Empty(ends.Find("client 0", "channel"));
        Assert.Single(ends.Find("client 99", "channel"));
        Assert.True(ends.DroppedBefore > first);
    }

    [Fact]
    public void A_client_is_found_with_its_connection_and_the_channel_alone()
    {
        var ends = new RecentEnds(bytesMax: 10_000, _time);
        ends.AddSubscription("a", "one", 1, 2, SubscriptionEnd.ByClient);
        ends.AddSubscription("a", "two", 1, 2, SubscriptionEnd.ByClient);
        ends.AddSubscription("b", "one", 1, 2, SubscriptionEnd.ByClient);
        ends.AddConnection("a", "user", 3503, new string('x', 100_000), mayHaveLost: false);

        Assert.Equal(["one", ""], ends.Find("a", "one").Select(static each => each.Channel));
        Assert.Equal(200, ends.Find("a", "one")[1].Text.Length);
    }

    [Fact]
    public void Nothing_is_kept_where_nothing_may_be()
    {
        var ends = new RecentEnds(bytesMax: 0, _time);
        ends.AddGap("a", "one", 1, 2, 2, "DropOldest");
        Assert.Equal(0, ends.Count);
    }
}
