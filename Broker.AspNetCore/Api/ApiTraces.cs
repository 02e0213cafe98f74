using System.Diagnostics;

namespace Broker.AspNetCore.Api;

/// <summary>The traces of the server API: a span for each command, under the span that the caller names in <c>traceparent</c>.</summary>
public static class ApiTraces
{
    /// <summary>The name of the source.</summary>
    public const string Name = "Broker.Api";

    private static readonly ActivitySource s_source = new(Name);

    // The method is the hub's own name of it, and never what a caller has written.
    internal static Activity? Start(string method, string? traceparent, string? tracestate)
    {
        if (!s_source.HasListeners()) return null;
        _ = ActivityContext.TryParse(traceparent, tracestate, isRemote: true, out ActivityContext parent);
        return s_source.StartActivity($"api {(ApiMethods.Has(method) ? method : "unknown")}", ActivityKind.Server, parent);
    }

    internal static void Fail(this Activity activity, ApiError error) =>
        activity.SetTag("error.type", error.Code).SetStatus(ActivityStatusCode.Error, error.Message);
}
