namespace Broker.Bench.Load;

/// <summary>One column of a table.</summary>
/// <param name="Title">With its unit.</param>
/// <param name="Format">How its figures are printed.</param>
/// <param name="Of">Takes it out of a reading.</param>
/// <param name="Spread">Whether lowest and highest stand beside the median.</param>
/// <param name="Ratio">Whether the ratio to the baseline does.</param>
internal sealed record Metric(string Title, string Format, Func<Reading, double> Of, bool Spread = false, bool Ratio = false)
{
    public static Metric P50 { get; } = new("p50 µs", "N0", r => r["lat_us_p50"]);

    public static Metric P99 { get; } = new("p99 µs", "N0", r => r["p99"]);

    public static Metric Rss { get; } = new("RSS MiB", "N1", r => r["srv_rss_mb"]);

    /// <summary>By <see cref="AllocationCounter"/>, in a turn of its own; none for a server that is none of .NET.</summary>
    public static Metric Allocated(string unit) => new($"allocated B/{unit}", "N2", r => r["allocated"]);

    public static Metric Cpu { get; } = new("server CPU %", "N0", r => r["srv_cpu"]);
}
