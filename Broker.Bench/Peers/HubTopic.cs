using System.Net.WebSockets;

namespace Broker.Bench.Peers;

/// <summary>One publication, shared by all who get it.</summary>
internal readonly record struct HubMessage(WebSocketMessageType Type, byte[] Bytes);

/// <summary>The subscribers of one topic of <see cref="KestrelHub"/>.</summary>
internal sealed class HubTopic
{
    private readonly Lock _gate = new();
    private readonly List<HubSubscriber> _subscribers = [];
    private HubSubscriber[]? _snapshot;    // Of the list; until someone comes or goes.

    public void Add(HubSubscriber subscriber)
    {
        lock (_gate)
        {
            _subscribers.Add(subscriber);
            _snapshot = null;
        }
    }

    public void Remove(HubSubscriber subscriber)
    {
        lock (_gate)
        {
            _subscribers.Remove(subscriber);
            _snapshot = null;
        }
    }

    /// <summary>Gives the message to every subscriber; waits while one of them has a full queue.</summary>
    public async ValueTask PublishAsync(HubMessage message, CancellationToken stop)
    {
        foreach (HubSubscriber subscriber in Snapshot())
        {
            if (!subscriber.TryQueue(message)) await subscriber.QueueAsync(message, stop);
        }
    }

    private HubSubscriber[] Snapshot()
    {
        lock (_gate) return _snapshot ??= [.. _subscribers];
    }
}
