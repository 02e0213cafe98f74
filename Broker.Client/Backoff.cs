namespace Broker.Client;

/// <summary>How long to stay away: anything up to twice as long with each failure, so that clients do not come back together.</summary>
internal static class Backoff
{
    /// <summary>The wait before an attempt.</summary>
    /// <param name="failures">Attempts that have failed in a row.</param>
    /// <param name="min">What every wait has at least.</param>
    /// <param name="max">What no wait passes.</param>
    /// <param name="chance">From 0 up to 1, by chance.</param>
    public static TimeSpan Wait(int failures, TimeSpan min, TimeSpan max, double chance)
    {
        double span = Math.Min((max - min).TotalSeconds, min.TotalSeconds * Math.Pow(2, Math.Min(failures, 30)));
        return min + TimeSpan.FromSeconds(span * chance);
    }
}
