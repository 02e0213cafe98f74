namespace Broker.Host.Settings;

/// <summary>The paths that plain HTTP answers at, so that no other endpoint is given one of them.</summary>
public static class HttpPaths
{
    /// <summary>Whether the process lives.</summary>
    public const string Health = "/health";

    /// <summary>Whether clients are welcome.</summary>
    public const string Ready = "/ready";

    /// <summary>What is counted.</summary>
    public const string Metrics = "/metrics";

    /// <summary>The page and its files.</summary>
    public static IReadOnlyList<string> Page { get; } = ["/", "/page.css", "/chart.js", "/client.js", "/page.js"];

    /// <summary>What answers a path under these settings, in words, or null where nothing does.</summary>
    public static string? OwnerOf(string path, HttpSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return path switch
        {
            Health or Ready => "the probes of the process",
            Metrics when settings.Metrics => "broker.http.metrics",
            _ when settings.Page && Page.Contains(path) => "broker.http.page",
            _ => null,
        };
    }
}
