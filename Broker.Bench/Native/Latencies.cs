using System.Globalization;

namespace Broker.Bench.Native;

/// <summary>Times of one kind of request, and what stands at their upper end.</summary>
internal sealed class Latencies(string name)
{
    private readonly List<double> _milliseconds = [];

    public void Add(TimeSpan took) => _milliseconds.Add(took.TotalMilliseconds);

    public double At(double share)
    {
        if (_milliseconds.Count == 0) return double.NaN;
        double[] sorted = [.. _milliseconds.Order()];
        return sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];
    }

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{name,-28} {_milliseconds.Count,7:N0}   p50 {At(0.5),7:F3}   p99 {At(0.99),7:F3}   max {At(1),7:F3} ms");
}
