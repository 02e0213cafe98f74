using Broker.Actors.Model;

namespace Broker.Actors.Channels.Home;

/// <summary>
/// The home of channels: gives the publications of each one order and one position, and sends them to the nodes that are attached.
/// Values in, values out.
/// </summary>
/// <remarks>For one thread. What is not attached and not kept is forgotten; a channel that begins again has another epoch.</remarks>
/// <param name="epochs">Of all homes of this node.</param>
public sealed class ChannelHome(EpochSource epochs)
{
    private readonly Dictionary<string, HomeChannel> _channels = new(StringComparer.Ordinal);

    /// <summary>How many channels it knows.</summary>
    public int Count => _channels.Count;

    /// <summary>A node has a subscriber, or a further one that wants to recover.</summary>
    /// <param name="message">Which channel, and from where on.</param>
    /// <param name="listener">The node; it stays attached until it detaches, however often it attaches.</param>
    public ChannelHomeProtocol.Attached Attach(in ChannelHomeProtocol.Attach message, IChannelListener listener)
    {
        if (!_channels.TryGetValue(message.Channel, out HomeChannel? channel))
            _channels.Add(message.Channel, channel = new HomeChannel(new StreamPosition(epochs.Next(), Offset: 0)));

        channel.Attach(listener);
        return new ChannelHomeProtocol.Attached(message.Request, channel.Position) { Recovered = message.After is { } after && channel.IsAt(after) };
    }

    /// <summary>A node has no subscriber any more.</summary>
    public void Detach(in ChannelHomeProtocol.Detach message, IChannelListener listener)
    {
        if (!_channels.TryGetValue(message.Channel, out HomeChannel? channel)) return;
        channel.Detach(listener);
        RemoveIfUnused(message.Channel, channel);
    }

    /// <summary>Orders a publication and sends it to the attached nodes.</summary>
    public ChannelHomeProtocol.Published Publish(in ChannelHomeProtocol.Publish message)
    {
        if (!_channels.TryGetValue(message.Channel, out HomeChannel? channel)) return new ChannelHomeProtocol.Published(message.Request, default, Receivers: 0);

        channel.Position = channel.Position with { Offset = channel.Position.Offset + 1 };
        var delivery = new ChannelHomeProtocol.Deliver(message.Channel, channel.Position, message.Publication with { Offset = channel.Position.Offset }, message.Options.ExceptClient);
        return new ChannelHomeProtocol.Published(message.Request, channel.Position, channel.Deliver(delivery));
    }

    // The one rule of what is forgotten.
    private void RemoveIfUnused(string name, HomeChannel channel)
    {
        if (!channel.IsAttached) _channels.Remove(name);
    }
}
