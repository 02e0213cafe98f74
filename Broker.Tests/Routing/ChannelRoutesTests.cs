using Broker.Actors.Channels;
using Xunit;

namespace Broker.Tests.Routing;

public class ChannelRoutesTests
{
    [Theory]
    [InlineData("")]
    [InlineData("news")]
    [InlineData("комната")]
    public void A_single_home_is_the_home_of_every_channel(string channel) => Assert.Equal(0, ChannelRoutes.NumberOf(channel, 1));

    [Theory]
    [InlineData("news", 3)]
    [InlineData("chat", 5)]
    [InlineData("комната", 0)]
    public void The_home_of_a_name_is_the_same_in_every_run(string channel, int home) =>
        Assert.Equal(home, ChannelRoutes.NumberOf(channel, 8));

    [Fact]
    public void Channels_spread_over_all_homes()
    {
        int[] counts = new int[7];
        for (int i = 0; i < 7000; i++) counts[ChannelRoutes.NumberOf($"channel-{i}", counts.Length)]++;

        Assert.All(counts, count => Assert.InRange(count, 850, 1150));
    }
}
