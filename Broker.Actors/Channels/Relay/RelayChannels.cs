using System.Diagnostics.CodeAnalysis;
using Akka.Actor;
using Broker.Actors.Channels.Presence;
using Broker.Core.Counting;
using static Broker.Actors.Channels.Delivery.ChannelProtocol;

namespace Broker.Actors.Channels.Relay;

/// <summary>The channels of one home that have a subscription on this node, and those of them whose joins and leaves wait.</summary>
/// <remarks>For the thread of the relay.</remarks>
/// <param name="counters">Those of the loop that the relay runs on.</param>
/// <param name="onWaiting">Called when joins and leaves begin to wait, for <see cref="FlushChanges"/> a second later.</param>
internal sealed class RelayChannels(LoopCounters counters, Action onWaiting)
{
    private readonly Dictionary<string, RelayChannel> _channels = new(StringComparer.Ordinal);
    private readonly HashSet<RelayChannel> _waiting = [];

    internal int Count => _channels.Count;

    internal bool TryGet(string name, [NotNullWhen(true)] out RelayChannel? channel) => _channels.TryGetValue(name, out channel);

    internal bool Contains(string name) => _channels.ContainsKey(name);

    /// <summary>Whether this very object is the channel of its name; one that was left, and made anew, is not.</summary>
    internal bool IsCurrent(RelayChannel channel) =>
        _channels.TryGetValue(channel.Name, out RelayChannel? current) && ReferenceEquals(current, channel);

    internal void Add(RelayChannel channel)
    {
        _channels.Add(channel.Name, channel);
        counters.Add(LoopCount.Channels);
    }

    internal void Remove(RelayChannel channel)
    {
        _channels.Remove(channel.Name);
        _waiting.Remove(channel);
        counters.Add(LoopCount.Channels, -1);
    }

    /// <summary>Sends a join or leave to the subscribers of this node, at once or later.</summary>
    internal void Announce(RelayChannel channel, in PresenceChange change)
    {
        if (!channel.Announce(change)) return;
        if (_waiting.Count == 0) onWaiting();
        _waiting.Add(channel);
    }

    /// <summary>Sends the joins and leaves that have waited in large channels.</summary>
    internal void FlushChanges()
    {
        foreach (RelayChannel channel in _waiting) channel.FlushChanges();
        _waiting.Clear();
    }

    /// <summary>Answers with the channels that are asked for, and their subscriptions.</summary>
    internal void List(ListChannels list) =>
        list.ReplyTo.Tell(
            new ChannelsListed(
                [.. _channels.Values.Where(each => list.Accepts(each.Name))
                    .Select(static each => KeyValuePair.Create(each.Name, each.Count))]), ActorRefs.NoSender);
}
