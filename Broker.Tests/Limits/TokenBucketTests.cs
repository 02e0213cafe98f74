using Broker.Actors.Limits;
using Xunit;

namespace Broker.Tests.Limits;

public sealed class TokenBucketTests
{
    [Fact]
    public void A_rate_allows_twice_its_second_at_once_and_then_its_pace()
    {
        TokenBucket bucket = default;
        var rate = TokenRate.Of(5);
        for (int i = 0; i < 10; i++) Assert.True(bucket.TryTake(rate, 1, 1000));
        Assert.False(bucket.TryTake(rate, 1, 1000));
        Assert.Equal(200, bucket.MillisecondsToNext(rate, 1000));
        Assert.False(bucket.TryTake(rate, 1, 1199));
        Assert.True(bucket.TryTake(rate, 1, 1200));
        Assert.False(bucket.TryTake(rate, 1, 1200));
        for (int i = 0; i < 10; i++) Assert.True(bucket.TryTake(rate, 1, 100_000));
        Assert.False(bucket.TryTake(rate, 1, 100_000));
    }

    [Fact]
    public void What_is_larger_than_the_bucket_takes_a_full_one_and_is_owed()
    {
        TokenBucket bucket = default;
        var rate = TokenRate.Of(10);
        Assert.True(bucket.TryTake(rate, 100, 1000));       // 20 are there, 80 are owed.
        Assert.False(bucket.TryTake(rate, 1, 9000));
        Assert.False(bucket.TryTake(rate, 1, 9099));
        Assert.True(bucket.TryTake(rate, 1, 9100));
        Assert.False(bucket.TryTake(rate, 100, 9100));
    }

    [Fact]
    public void No_rate_is_no_limit()
    {
        TokenBucket bucket = default;
        for (int i = 0; i < 1000; i++) Assert.True(bucket.TryTake(TokenRate.Of(0, 100), long.MaxValue / 1000, 1));
    }

    [Fact]
    public void The_largest_rate_and_the_longest_pause_do_not_overflow()
    {
        TokenBucket bucket = default;
        var rate = TokenRate.Of(1L << 40);
        Assert.True(bucket.TryTake(rate, 1L << 41, 0));
        Assert.False(bucket.TryTake(rate, 1, 0));
        Assert.True(bucket.TryTake(rate, 1L << 41, long.MaxValue));
        Assert.False(bucket.TryTake(rate, 1L << 40, long.MaxValue));
    }

    [Fact]
    public void A_clock_that_goes_back_brings_nothing()
    {
        TokenBucket bucket = default;
        var rate = TokenRate.Of(1);
        Assert.True(bucket.TryTake(rate, 2, 5000));
        Assert.False(bucket.TryTake(rate, 1, 1000));
        Assert.False(bucket.TryTake(rate, 1, 5999));
        Assert.True(bucket.TryTake(rate, 1, 6000));
    }
}
