namespace Broker.Cli.Bench;

/// <summary>Times that were counted until a moment, to be asked how long they took.</summary>
internal sealed class Latencies
{
    private readonly long[] _counts;

    private Latencies(long[] counts, long max)
    {
        _counts = counts;
        Max = max;
        foreach (long count in counts) Count += count;
    }

    /// <summary>How many.</summary>
    public long Count { get; }

    /// <summary>The longest, in nanoseconds; 0 if there is none.</summary>
    public long Max { get; }

    /// <summary>What the histograms have counted together.</summary>
    public static Latencies Of(params ReadOnlySpan<LatencyHistogram> histograms)
    {
        long[] counts = new long[LatencyHistogram.Buckets];
        long max = 0;
        foreach (LatencyHistogram histogram in histograms) max = Math.Max(max, histogram.AddTo(counts));
        return new Latencies(counts, max);
    }

    /// <summary>What came after an earlier moment of the same histograms; the longest may then be of before.</summary>
    public Latencies Since(Latencies earlier)
    {
        long[] counts = new long[_counts.Length];
        for (int bucket = 0; bucket < counts.Length; bucket++) counts[bucket] = _counts[bucket] - earlier._counts[bucket];
        return new Latencies(counts, Max);
    }

    /// <summary>The time that a share of all did not pass, by nearest rank.</summary>
    /// <param name="share">Over 0 and at most 1: 0.99 for p99.</param>
    /// <returns>Nanoseconds, within the histogram's error; 0 if there are none.</returns>
    public long Quantile(double share)
    {
        long rank = Math.Max(1, (long)Math.Ceiling(share * Count));
        for (int bucket = 0; bucket < _counts.Length; bucket++)
        {
            rank -= _counts[bucket];
            if (rank <= 0) return Math.Min(LatencyHistogram.LongestOf(bucket), Max);
        }

        return Max;
    }
}
