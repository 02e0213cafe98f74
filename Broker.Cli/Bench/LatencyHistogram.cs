using System.Numerics;

namespace Broker.Cli.Bench;

/// <summary>Counts times by how long they are: buckets that widen with the time, so that its size is fixed and its error a share.</summary>
/// <remarks>
/// Below 256 ns a bucket is one nanosecond wide, above it less than 1/128 of the times in it. What is read out is a bucket's upper
/// edge: never less than the true time, and less than 0.79 % more. The longest time is kept exactly. Times of 2^40 ns (18 minutes)
/// and more share the last bucket. Any thread may record and read at once; recording allocates nothing and takes no lock.
/// </remarks>
internal sealed class LatencyHistogram
{
    private const int PrecisionBits = 7, LargestBits = 40;
    private const long Largest = (1L << LargestBits) - 1;

    private readonly long[] _counts = new long[Buckets];
    private long _max;

    /// <summary>How many buckets there are: 34 kilobytes of them.</summary>
    public const int Buckets = ((LargestBits - PrecisionBits - 1) << PrecisionBits) + (2 << PrecisionBits);

    /// <summary>Counts one time.</summary>
    /// <param name="nanoseconds">The time; less than 0 counts as 0.</param>
    public void Record(long nanoseconds)
    {
        Interlocked.Increment(ref _counts[BucketOf(Math.Clamp(nanoseconds, 0, Largest))]);
        long max = Volatile.Read(ref _max);
        while (nanoseconds > max)
        {
            long seen = Interlocked.CompareExchange(ref _max, nanoseconds, max);
            if (seen == max) return;
            max = seen;
        }
    }

    /// <summary>Adds what was counted so far.</summary>
    /// <param name="counts">One for each bucket.</param>
    /// <returns>The longest time, in nanoseconds.</returns>
    public long AddTo(Span<long> counts)
    {
        for (int bucket = 0; bucket < Buckets; bucket++) counts[bucket] += Volatile.Read(ref _counts[bucket]);
        return Volatile.Read(ref _max);
    }

    /// <summary>The bucket of a time.</summary>
    public static int BucketOf(long nanoseconds)
    {
        int shift = Math.Max(0, BitOperations.Log2((ulong)nanoseconds) - PrecisionBits);
        return (shift << PrecisionBits) + (int)(nanoseconds >> shift);
    }

    /// <summary>The longest time that a bucket counts, in nanoseconds.</summary>
    public static long LongestOf(int bucket)
    {
        int shift = Math.Max(0, (bucket >> PrecisionBits) - 1);
        long first = bucket - ((long)shift << PrecisionBits);
        return ((first + 1) << shift) - 1;
    }
}
