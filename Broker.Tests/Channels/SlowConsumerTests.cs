using Broker.Actors.Channels.SlowConsumers;

namespace Broker.Tests.Channels;

public sealed class SlowConsumerTests
{
    [Theory]
    [InlineData(false, 250, false)]
    [InlineData(false, 251, true)]
    [InlineData(true, 251, true)]
    [InlineData(true, 63, true)]
    [InlineData(true, 62, false)]
    public void A_connection_is_slow_until_its_queue_is_nearly_empty(bool wasSlow, long queued, bool expected) =>
        Assert.Equal(expected, SlowConsumerRule.IsSlow(wasSlow, queued, 1000));

    [Fact]
    public void Drop_oldest_keeps_the_newest_and_reports_the_gap()
    {
        WaitingPublications<string> waiting = Fill(SlowConsumerPolicy.DropOldest);

        Assert.Equal(["4", "5"], waiting.Take(1000, out IReadOnlyList<Gap> gaps));
        Assert.Equal([new Gap(1, 3, 3)], gaps);
        Assert.True(waiting.IsEmpty);
    }

    [Fact]
    public void Drop_newest_keeps_the_oldest_and_reports_the_gap()
    {
        WaitingPublications<string> waiting = Fill(SlowConsumerPolicy.DropNewest);

        Assert.Equal(["1", "2"], waiting.Take(1000, out IReadOnlyList<Gap> gaps));
        Assert.Equal([new Gap(3, 5, 3)], gaps);
    }

    [Fact]
    public void Keep_latest_replaces_by_key()
    {
        var waiting = new WaitingPublications<string>(SlowConsumerPolicy.KeepLatest, 100);
        waiting.Add("a1", 1, "a", 10);
        waiting.Add("b1", 2, "b", 10);
        waiting.Add("a2", 3, "a", 10);
        waiting.Add("none", 4, null, 10);

        Assert.Equal(["b1", "a2", "none"], waiting.Take(1000, out IReadOnlyList<Gap> gaps));
        Assert.Equal([new Gap(1, 1, 1)], gaps);
        Assert.Equal(0, waiting.Bytes);
    }

    [Fact]
    public void Accepts_what_fits_and_reports_the_gap_once()
    {
        WaitingPublications<string> waiting = Fill(SlowConsumerPolicy.DropOldest);

        Assert.Equal(["4"], waiting.Take(1, out IReadOnlyList<Gap> first));
        Assert.Equal(["5"], waiting.Take(1, out IReadOnlyList<Gap> second));
        Assert.Equal((1, 0), (first.Count, second.Count));
    }

    [Fact]
    public void One_publication_waits_however_long_it_is()
    {
        var waiting = new WaitingPublications<string>(SlowConsumerPolicy.DropOldest, 10);
        waiting.Add("long", 1, null, 5000);

        Assert.Equal(["long"], waiting.Take(1, out _));
    }

    [Fact]
    public void Channels_without_offsets_report_a_count()
    {
        var waiting = new WaitingPublications<string>(SlowConsumerPolicy.DropNewest, 10);
        for (int i = 0; i < 4; i++) waiting.Add("x", 0, null, 10);

        waiting.Take(1000, out IReadOnlyList<Gap> gaps);

        Assert.Equal([new Gap(0, 0, 3)], gaps);
    }

    [Fact]
    public void Many_gaps_are_merged_into_few_with_their_counts()
    {
        var missed = new MissedOffsets();
        for (ulong offset = 2; offset <= 200; offset += 2) missed.Add(offset);
        missed.Add(3);

        Assert.True(missed.Runs.Count <= MissedOffsets.RunsMax);
        Assert.Equal((2UL, 200UL), (missed.Runs[0].From, missed.Runs[^1].To));
        Assert.Equal(101UL, missed.Runs.Aggregate(0UL, (sum, run) => sum + run.Count));
    }

    private static WaitingPublications<string> Fill(SlowConsumerPolicy policy)
    {
        var waiting = new WaitingPublications<string>(policy, 20);
        for (ulong offset = 1; offset <= 5; offset++) waiting.Add($"{offset}", offset, null, 10);
        return waiting;
    }
}
