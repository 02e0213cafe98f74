using System.Diagnostics.Metrics;
using System.Globalization;

namespace Broker.AspNetCore.Api;

/// <summary>Counts the commands of the server API, of all hubs of the process.</summary>
public static class ApiMeter
{
    /// <summary>The name of the meter.</summary>
    public const string Name = "Broker.Api";

    private const uint ApplicationErrorMin = 400;

    private static readonly Meter s_meter = new(Name);
    private static readonly Counter<long> s_commands =
        s_meter.CreateCounter<long>(
            "broker.api.commands", "{command}", "Commands of the server API that were answered, by method and outcome.");
    private static readonly Histogram<double> s_duration =
        s_meter.CreateHistogram<double>("broker.api.duration", "s", "How long commands of the server API took.");

    // The method is the hub's own name of it, and never what a caller has written.
    internal static void Answered(string? method, ApiError? error, TimeSpan took)
    {
        var name = new KeyValuePair<string, object?>("method", method ?? "unknown");
        s_commands.Add(1, name, new KeyValuePair<string, object?>("outcome", OutcomeOf(error)));
        s_duration.Record(took.TotalSeconds, name);
    }

    private static string OutcomeOf(ApiError? error) => error switch
    {
        null => "ok",
        { Code: >= ApplicationErrorMin } => "other",
        _ => error.Code.ToString(CultureInfo.InvariantCulture),
    };
}
