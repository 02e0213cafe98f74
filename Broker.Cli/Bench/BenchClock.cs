using System.Diagnostics;

namespace Broker.Cli.Bench;

/// <summary>The clock that messages are stamped with: of this process, rising, in nanoseconds since it was first asked.</summary>
internal static class BenchClock
{
    private static readonly long s_start = Stopwatch.GetTimestamp();
    private static readonly double s_nanoseconds = 1e9 / Stopwatch.Frequency;

    /// <summary>Now.</summary>
    public static long Now => (long)((Stopwatch.GetTimestamp() - s_start) * s_nanoseconds);
}
