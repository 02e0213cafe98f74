using System.Diagnostics;

namespace Broker.Client;

/// <summary>What the client traces: an activity for each publication, call and subscription, from the request to its answer.</summary>
/// <remarks>
/// The names of operations and tags follow OpenTelemetry's conventions for messaging and RPC. Without a listener nothing is made. The
/// native protocol has no place for a trace's context, so the hub's own work is no part of the trace.
/// </remarks>
public static class BrokerClientTelemetry
{
    /// <summary>The name of the source: what <c>AddSource</c> of OpenTelemetry takes.</summary>
    public const string ActivitySourceName = "Broker.Client";

    private static readonly ActivitySource s_source = new(ActivitySourceName);

    /// <summary>Starts the activity of a publication or subscription.</summary>
    /// <param name="operation"><c>send</c> or <c>subscribe</c>.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="url">The hub.</param>
    /// <param name="kind">Producer where something is published.</param>
    /// <returns>None without a listener.</returns>
    internal static Activity? StartForChannel(string operation, string channel, Uri url, ActivityKind kind) =>
        s_source.HasListeners()
            ? Start($"{operation} {channel}", kind, url, ("messaging.system", "broker"), ("messaging.operation.name", operation),
            ("messaging.destination.name", channel))
            : null;

    /// <summary>Starts the activity of a call.</summary>
    /// <param name="method">The method.</param>
    /// <param name="url">The hub.</param>
    internal static Activity? StartForCall(string method, Uri url) =>
        s_source.HasListeners() ? Start($"call {method}", ActivityKind.Client, url, ("rpc.system", "broker"), ("rpc.method", method))
            : null;

    /// <summary>Notes how the operation ended, and ends the activity.</summary>
    /// <param name="activity">The activity, if there is one.</param>
    /// <param name="failure">What it failed with, if it did.</param>
    internal static void Stop(Activity? activity, Exception? failure)
    {
        if (activity is null) return;
        if (failure is not null)
        {
            activity.SetTag("error.type", TypeOf(failure));
            activity.SetStatus(ActivityStatusCode.Error, failure.Message);
        }

        activity.Dispose();
    }

    private static Activity? Start(string name, ActivityKind kind, Uri url, params ReadOnlySpan<(string Name, object? Value)> tags)
    {
        // What is current in the caller stays so: the operation may end on another thread.
        Activity? current = Activity.Current;
        Activity? activity = s_source.StartActivity(name, kind);
        Activity.Current = current;
        if (activity is null) return null;
        foreach ((string tag, object? value) in tags) activity.SetTag(tag, value);
        activity.SetTag("server.address", url.Host);
        activity.SetTag("server.port", url.Port);
        return activity;
    }

    private static string TypeOf(Exception failure) => failure switch
    {
        CallFailedException failed => failed.Code.ToString(),
        RequestRejectedException rejected => rejected.Code.ToString(System.Globalization.CultureInfo.InvariantCulture),
        _ => failure.GetType().FullName!,
    };
}
