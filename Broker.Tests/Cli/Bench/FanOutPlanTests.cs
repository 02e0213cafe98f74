using Broker.Cli.Bench;

namespace Broker.Tests.Cli.Bench;

/// <summary>Who publishes what to whom, and the stamp that says it.</summary>
public sealed class FanOutPlanTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(10, 1, 3)]
    [InlineData(10, 3, 10)]
    [InlineData(10, 7, 3)]
    [InlineData(3, 9, 3)]
    public void Every_channel_has_a_subscriber_and_a_publisher_in_the_plan(int subscribers, int publishers, int channels)
    {
        var plan = new FanOutPlan(subscribers, publishers, channels, Bytes: 64, Window: 1, Rate: 0, Messages: 1);

        Assert.Equal(subscribers, Enumerable.Range(0, channels).Sum(plan.ListenersOf));
        var supported = new List<(int Channel, int Slot)>();
        for (int publisher = 0; publisher < publishers; publisher++)
        {
            foreach (int channel in plan.ChannelsOf(publisher))
            {
                Assert.True(plan.Has(new PublicationStamp(publisher, channel, 0, 0)));
                Assert.Equal(publisher, plan.PublisherOf(channel, plan.PositionOf(publisher)));
                supported.Add((channel, plan.PositionOf(publisher)));
            }
        }

        (int, int)[] expected =
            [.. from channel in Enumerable.Range(0, channels) from slot in Enumerable.Range(0, plan.PublishersOf(channel)) select (
                channel, slot)];
        Assert.Equal(expected, supported.Order());
        for (int channel = 0; channel < channels; channel++)
        {
            Assert.Equal(
                Enumerable.Range(0, subscribers).Count(subscriber => plan.ChannelOf(subscriber) == channel), plan.ListenersOf(channel));
            Assert.InRange(plan.ListenersOf(channel), 1, subscribers);
            Assert.False(plan.Has(new PublicationStamp(publishers, channel, 0, 0)));
        }
    }

    [Fact]
    public void A_stamp_reads_back_and_nothing_else_does()
    {
        var stamp = new PublicationStamp(Publisher: 0xfffe, Channel: 0x0102, Number: 0xdeadbeef, Time: 0x123456789abc);
        byte[] bytes = new byte[PublicationStamp.Size];
        stamp.Write(bytes);

        Assert.Equal("fffe0102deadbeef123456789abc", System.Text.Encoding.ASCII.GetString(bytes));
        Assert.True(PublicationStamp.TryRead(bytes, out PublicationStamp read));
        Assert.Equal(stamp, read);
        for (int length = 0; length < bytes.Length; length++) Assert.False(PublicationStamp.TryRead(bytes.AsSpan(0, length), out _));
        for (int at = 0; at < bytes.Length; at++)
        {
            byte[] other = [.. bytes];
            other[at] = (byte)'"';
            Assert.False(PublicationStamp.TryRead(other, out _));
        }
    }

    [Fact]
    public void A_low_file_limit_is_reported_with_its_number()
    {
        OpenFiles.Check(connections: 800, limit: 1000);
        OpenFiles.Check(connections: 1_000_000, limit: null);

        BenchException refused = Assert.Throws<BenchException>(() => OpenFiles.Check(connections: 801, limit: 1000));

        Assert.Contains("may have 1000", refused.Message, StringComparison.Ordinal);
        Assert.Contains("800 at most", refused.Message, StringComparison.Ordinal);
    }
}
