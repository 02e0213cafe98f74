using Broker.Client;

namespace Broker.Tests.Client;

public sealed class BackoffTests
{
    private static readonly TimeSpan s_min = TimeSpan.FromSeconds(0.5), s_max = TimeSpan.FromSeconds(20);

    [Theory]
    [InlineData(0, 0.0, 0.5)]
    [InlineData(0, 1.0, 1.0)]
    [InlineData(3, 0.0, 0.5)]
    [InlineData(3, 0.5, 2.5)]
    [InlineData(5, 1.0, 16.5)]
    [InlineData(6, 1.0, 20.0)]
    [InlineData(1_000_000, 1.0, 20.0)]
    public void A_wait_is_anything_from_the_least_up_to_twice_as_much_with_each_failure(int failures, double chance, double seconds) =>
        Assert.Equal(seconds, Backoff.Wait(failures, s_min, s_max, chance).TotalSeconds, precision: 6);
}
