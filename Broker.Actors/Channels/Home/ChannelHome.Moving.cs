using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Home;

/// <summary>The part that goes on with the channels of another node's home.</summary>
public sealed partial class ChannelHome
{
    /// <summary>Where a channel stands that a node is attached to; null if none is.</summary>
    internal StreamPosition? PositionOf(string channel) => _channels.TryGetValue(channel, out HomeChannel? known) ? known.Position : null;

    /// <summary>Whether the store still works on a publication of one of these channels.</summary>
    internal bool IsPending(Func<string, bool> isMeant) => _late.Count > 0 && _late.Keys.Any(isMeant);

    /// <summary>Goes on with a channel where another home has left it.</summary>
    /// <returns>Its options; null if the namespace is not known here.</returns>
    internal ChannelNamespace? Install(string name, StreamPosition position, bool isAttached)
    {
        if (!TryResolve(name, out HomeChannel? channel, out ChannelNamespace? options, out _)) return null;
        if (!isAttached) return options;
        channel ??= Add(name, options, position);
        channel.Position = position;
        return options;
    }

    /// <summary>Attaches a node that is known to have had everything up to a position.</summary>
    /// <returns>False if the channel stands elsewhere: the node has to ask.</returns>
    internal bool TryAttach(string name, IChannelListener listener, StreamPosition position)
    {
        if (!_channels.TryGetValue(name, out HomeChannel? channel) || channel.Position != position) return false;
        channel.Attach(listener);
        return true;
    }

    /// <summary>Drops a channel that was installed and that no node is attached to.</summary>
    internal void DropIfUnused(string name)
    {
        if (_channels.TryGetValue(name, out HomeChannel? channel)) RemoveIfUnused(name, channel);
    }

    /// <summary>The clients of a channel; none if no node is attached.</summary>
    internal PresenceTable? PresenceOf(string channel) => _channels.TryGetValue(channel, out HomeChannel? known) ? known.Presence : null;

    /// <summary>The answers to publications with keys of channels without a history, with the time that each has left.</summary>
    internal IEnumerable<(string Channel, string Key, StreamPosition Answer, TimeSpan Left)> AnswersOf(Func<string, bool> isMeant) =>
        _answers.AnswersOf(isMeant);

    /// <summary>Goes on with an answer of another home.</summary>
    internal void AddAnswer(string channel, string key, StreamPosition answer, TimeSpan left) => _answers.Add(channel, key, answer, left);
}
