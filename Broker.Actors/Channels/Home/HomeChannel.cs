using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Home;

/// <summary>What the home keeps of one channel.</summary>
/// <param name="options">Its namespace.</param>
/// <param name="position">Where it begins.</param>
internal sealed class HomeChannel(ChannelNamespace options, StreamPosition position)
{
    private IChannelListener? _only;            // Most channels have subscribers on one node.
    private List<IChannelListener>? _several;   // From the second node on; then the only one is null.
    private PresenceTable? _presence;           // From the first question on.

    /// <summary>Its namespace.</summary>
    internal ChannelNamespace Options { get; } = options;

    /// <summary>Who is there.</summary>
    internal PresenceTable Presence => _presence ??= new PresenceTable();

    /// <summary>The newest publication's.</summary>
    internal StreamPosition Position { get; set; } = position;

    /// <summary>Whether any node is attached.</summary>
    internal bool IsAttached => _only is not null || _several is { Count: > 0 };

    /// <summary>Whether a client at a position misses nothing.</summary>
    internal bool IsAt(StreamPosition position) =>
        position.Offset == Position.Offset && (position.Epoch == Position.Epoch || position.Epoch == 0);

    internal void Attach(IChannelListener listener)
    {
        if (_several is not null)
        {
            if (!_several.Contains(listener)) _several.Add(listener);
        }
        else if (_only is null || ReferenceEquals(_only, listener))
        {
            _only = listener;
        }
        else
        {
            _several = [_only, listener];
            _only = null;
        }
    }

    internal void Detach(IChannelListener listener)
    {
        if (ReferenceEquals(_only, listener)) _only = null;
        _several?.Remove(listener);
    }

    internal int Deliver(in ChannelHomeProtocol.Deliver delivery)
    {
        if (_only is not null) return _only.Deliver(delivery);
        int receivers = 0;
        if (_several is null) return receivers;
        foreach (IChannelListener listener in _several) receivers += listener.Deliver(delivery);
        return receivers;
    }
}
