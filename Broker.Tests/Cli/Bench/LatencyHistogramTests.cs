using Broker.Cli.Bench;

namespace Broker.Tests.Cli.Bench;

/// <summary>What is read out of the histogram is what was put in, within the error that it promises.</summary>
public sealed class LatencyHistogramTests
{
    public static TheoryData<long> Edges =>
        [0, 1, 127, 128, 255, 256, 257, 258, 511, 512, 513, 65_535, 65_536, 999_999_937, (1L << 39) - 1, 1L << 39, (1L << 40) - 1];

    [Theory, MemberData(nameof(Edges))]
    public void A_time_is_in_a_bucket_that_ends_with_it_or_less_than_a_128th_after(long nanoseconds)
    {
        int bucket = LatencyHistogram.BucketOf(nanoseconds);
        long longest = LatencyHistogram.LongestOf(bucket);

        Assert.InRange(longest, nanoseconds, nanoseconds + (nanoseconds / 128));
        Assert.Equal(bucket, LatencyHistogram.BucketOf(longest));
    }

    [Fact]
    public void Buckets_follow_each_other_without_a_hole()
    {
        for (int bucket = 1; bucket < LatencyHistogram.Buckets; bucket++)
        {
            Assert.Equal(bucket, LatencyHistogram.BucketOf(LatencyHistogram.LongestOf(bucket - 1) + 1));
        }

        Assert.Equal((1L << 40) - 1, LatencyHistogram.LongestOf(LatencyHistogram.Buckets - 1));
    }

    [Fact]
    public void A_quantile_is_the_time_at_its_rank()
    {
        const int Seed = 20261122, Times = 10_000;
        var random = new Random(Seed);
        var histogram = new LatencyHistogram();
        long[] times = [.. Enumerable.Range(0, Times).Select(_ => (long)Math.Exp(random.NextDouble() * 20))];
        foreach (long time in times) histogram.Record(time);
        Array.Sort(times);

        Latencies found = Latencies.Of(histogram);

        Assert.Equal((Times, times[^1]), (found.Count, found.Max));
        foreach (double share in (double[])[0.0001, 0.01, 0.5, 0.9, 0.99, 0.999, 1])
        {
            long exact = times[(int)Math.Ceiling(share * Times) - 1];
            Assert.InRange(found.Quantile(share), exact, exact + (exact / 128));
        }
    }

    [Fact]
    public void Times_past_the_last_bucket_are_counted_and_the_longest_is_exact()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(-5);
        histogram.Record(long.MaxValue);

        Latencies found = Latencies.Of(histogram);

        Assert.Equal((2, long.MaxValue, 0), (found.Count, found.Max, found.Quantile(0.5)));
        Assert.Equal((1L << 40) - 1, found.Quantile(1));
    }

    [Fact]
    public void Shards_add_up_and_an_earlier_reading_can_be_subtracted()
    {
        var one = new LatencyHistogram();
        var other = new LatencyHistogram();
        one.Record(1);
        Latencies before = Latencies.Of(one, other);
        one.Record(100);
        other.Record(200);

        Latencies since = Latencies.Of(one, other).Since(before);

        Assert.Equal((2, 100, 200), (since.Count, since.Quantile(0.5), since.Quantile(1)));
        Assert.Equal((0, 0), (Latencies.Of(new LatencyHistogram()).Count, Latencies.Of(new LatencyHistogram()).Quantile(0.99)));
    }
}
