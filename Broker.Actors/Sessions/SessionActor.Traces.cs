using System.Diagnostics;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Model;
using Broker.Actors.Tracing;

namespace Broker.Actors.Sessions;

/// <summary>The traces of a client's publications: a span each, from the command to the answer. Nothing without a listener.</summary>
public sealed partial class SessionActor
{
    private Dictionary<uint, Activity>? _traced;    // Of publications without their answer yet, by the command's id; null for none.

    private Publication Trace(ClientCommand.Publish publish, in Publication publication)
    {
        if (HubTraces.StartClientPublish(publish.Channel, _principal!.Client) is not { } activity) return publication;
        PublicationExtras extras = (publication.Extras ?? new PublicationExtras()) with { Trace = activity.Id ?? "" };

        // A publication without an answer, or with the id of one that waits for its own, is traced to where it is handed over.
        if (publish.Id == 0 || !(_traced ??= []).TryAdd(publish.Id, activity)) HubTraces.Stop(activity);
        return publication with { Extras = extras };
    }

    private void EndTrace(ChannelProtocol.Published published)
    {
        if (_traced!.Remove(published.Id, out Activity? activity)) HubTraces.End(activity, published.Position.Offset, published.Receivers);
        if (_traced.Count == 0) _traced = null;
    }

    private void FailTrace(uint id, HubError error)
    {
        if (_traced!.Remove(id, out Activity? activity)) HubTraces.Fail(activity, Broker.Core.Counting.CodeTable.SnakeOf($"{error.Kind}"));
        if (_traced.Count == 0) _traced = null;
    }

    private void FailTraces()
    {
        foreach (Activity activity in _traced!.Values) HubTraces.Fail(activity, "disconnected");
        _traced = null;
    }
}
