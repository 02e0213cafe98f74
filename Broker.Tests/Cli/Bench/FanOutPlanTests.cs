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
    public void Every_channel_is_listened_to_and_spoken_in_and_both_sides_agree_who(int subscribers, int publishers, int channels)
    {
        var plan = new FanOutPlan(subscribers, publishers, channels, Bytes: 64, Window: 1, Rate: 0, Messages: 1);

        Assert.Equal(subscribers, Enumerable.Range(0, channels).Sum(plan.ListenersOf));
        var spoken = new List<(int Channel, int Place)>();
        for (int publisher = 0; publisher < publishers; publisher++)
        {
            foreach (int channel in plan.ChannelsOf(publisher))
            {
                Assert.True(plan.Has(new PublicationStamp(publisher, channel, 0, 0)));
                Assert.Equal(publisher, plan.SpeakerOf(channel, plan.PlaceOf(publisher)));
                spoken.Add((channel, plan.PlaceOf(publisher)));
            }
        }

        (int, int)[] expected = [.. from channel in Enumerable.Range(0, channels) from place in Enumerable.Range(0, plan.SpeakersOf(channel)) select (channel, place)];
        Assert.Equal(expected, spoken.Order());
        for (int channel = 0; channel < channels; channel++)
        {
            Assert.Equal(Enumerable.Range(0, subscribers).Count(subscriber => plan.ChannelOf(subscriber) == channel), plan.ListenersOf(channel));
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
    public void A_limit_of_files_that_does_not_suffice_is_told_with_its_number()
    {
        OpenFiles.Check(connections: 800, limit: 1000);
        OpenFiles.Check(connections: 1_000_000, limit: null);

        BenchException refused = Assert.Throws<BenchException>(() => OpenFiles.Check(connections: 801, limit: 1000));

        Assert.Contains("may have 1000", refused.Message, StringComparison.Ordinal);
        Assert.Contains("800 at most", refused.Message, StringComparison.Ordinal);
    }
}
