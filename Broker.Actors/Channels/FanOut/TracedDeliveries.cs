using System.Diagnostics;
using Broker.Actors.Tracing;

namespace Broker.Actors.Channels.FanOut;

/// <summary>Deliveries of a turn that are traced, from their coming until the batch of the turn has been given to the sockets.</summary>
/// <param name="loop">The loop's number.</param>
internal sealed class TracedDeliveries(int loop)
{
    private List<Activity>? _activities;    // Mostly none.

    /// <summary>A publication that is traced has come for a channel.</summary>
    /// <param name="publish">The trace of its publish.</param>
    /// <param name="channel">The channel.</param>
    internal void Begin(string publish, LoopChannel channel)
    {
        if (HubTraces.StartDeliver(publish, channel.Name, loop) is not { } activity) return;
        activity.SetTag("broker.receivers", channel.Groups.Sum(static group => group.Members.Count));
        (_activities ??= []).Add(activity);
    }

    /// <summary>The batch of the turn has been given to the sockets.</summary>
    internal void End()
    {
        if (_activities is null) return;
        foreach (Activity activity in _activities) activity.Dispose();
        _activities = null;
    }
}
