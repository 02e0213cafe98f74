using System.Diagnostics;

namespace Broker.Identity.Backend;

/// <summary>The traces of requests to the backend: a span each, which the backend finds in <c>traceparent</c>.</summary>
public static class BackendTraces
{
    /// <summary>The name of the source.</summary>
    public const string Name = "Broker.Proxy";

    /// <summary>The header of W3C trace context.</summary>
    internal const string Header = "traceparent";

    private static readonly ActivitySource s_source = new(Name);

    /// <summary>A request begins: under the span that the client named as it connected, where that header is passed on.</summary>
    internal static Activity? Start(string name, IReadOnlyList<KeyValuePair<string, string>> headers)
    {
        if (!s_source.HasListeners()) return null;
        string? traceparent = headers.FirstOrDefault(static header => header.Key.Equals(Header, StringComparison.OrdinalIgnoreCase)).Value;
        _ = ActivityContext.TryParse(traceparent, traceState: null, isRemote: true, out ActivityContext parent);
        return s_source.StartActivity($"proxy {name}", ActivityKind.Client, parent);
    }
}
