namespace Broker.Host.Settings;

/// <summary>Where traces go.</summary>
public sealed record TraceSettings
{
    /// <summary>The URL that takes spans by OTLP over HTTP; null for nowhere.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>Headers of each export, as <c>name: value</c>.</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>
    /// Of so many traces that begin in the hub one is recorded. Those that a caller has begun are recorded as the caller says.
    /// </summary>
    public int OneOf { get; init; } = 100;
}
