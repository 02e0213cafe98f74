using System.Diagnostics;

namespace Broker.Actors.Tracing;

/// <summary>The traces of a hub: from a publish to the deliveries on each loop. W3C trace context.</summary>
/// <remarks>
/// While there is no listener to the source nothing is made, and a publication carries nothing. A publication that is traced carries the id
/// of its publish, so that its deliveries are children of that, on whatever loop or node.
/// </remarks>
public static class HubTraces
{
    /// <summary>The name of the source.</summary>
    public const string Name = "Broker";

    private static readonly ActivitySource s_source = new(Name);

    /// <summary>The server publishes to a channel; a child of whatever the caller does.</summary>
    /// <returns>Null without a listener, or the trace is not sampled.</returns>
    internal static Activity? StartPublish(string channel)
    {
        Activity? activity = s_source.StartActivity("publish", ActivityKind.Producer);
        activity?.SetTag("messaging.system", "broker").SetTag("messaging.operation.type", "publish")
            .SetTag("messaging.destination.name", channel);
        return activity;
    }

    /// <summary>A client publishes to a channel: the root of a trace, until the channel has answered.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="client">The client's id.</param>
    /// <returns>Null without a listener, or the trace is not sampled.</returns>
    internal static Activity? StartClientPublish(string channel, string client)
    {
        if (!s_source.HasListeners()) return null;

        // It outlives what the loop does now, and is no part of what this thread was started by.
        Activity? before = Activity.Current;
        Activity.Current = null;
        Activity? activity = StartPublish(channel);
        Activity.Current = before;
        if (activity is null) return null;
        if (activity.Recorded) return activity.SetTag("messaging.client.id", client);

        // The root of a trace that is not sampled is made all the same; it goes no further.
        activity.Dispose();
        Activity.Current = before;
        return null;
    }

    /// <summary>The channel has answered a client's publish.</summary>
    internal static void End(Activity activity, ulong offset, int receivers)
    {
        activity.SetTag("broker.offset", offset).SetTag("broker.receivers", receivers);
        Stop(activity);
    }

    /// <summary>A client's publish was rejected, or its client is gone.</summary>
    internal static void Fail(Activity activity, string reason)
    {
        activity.SetTag("error.type", reason).SetStatus(ActivityStatusCode.Error);
        Stop(activity);
    }

    /// <summary>Ends a span that another turn, or another thread, began.</summary>
    internal static void Stop(Activity activity)
    {
        // Its end would make its parent the current one, and what runs here is another's.
        Activity? before = Activity.Current;
        activity.Dispose();
        Activity.Current = before;
    }

    /// <summary>A publication goes to the subscribers of one loop.</summary>
    /// <param name="publish">The id of its publish, as a traceparent.</param>
    /// <param name="channel">The channel.</param>
    /// <param name="loop">The loop.</param>
    /// <returns>Null without a listener, or the trace is not sampled.</returns>
    internal static Activity? StartDeliver(string publish, string channel, int loop)
    {
        if (!s_source.HasListeners() || !ActivityContext.TryParse(publish, traceState: null, isRemote: true, out ActivityContext parent))
            return null;

        // It lasts until the end of the loop's turn, and what else runs in that turn has nothing to do with it.
        Activity? before = Activity.Current;
        Activity? activity = s_source.StartActivity("deliver", ActivityKind.Consumer, parent);
        Activity.Current = before;
        activity?.SetTag("messaging.system", "broker").SetTag("messaging.operation.type", "deliver")
            .SetTag("messaging.destination.name", channel).SetTag("broker.loop", loop);
        return activity;
    }
}
