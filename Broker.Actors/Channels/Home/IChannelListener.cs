namespace Broker.Actors.Channels.Home;

/// <summary>An attached node as the home of one channel sees it: the node's relay, or the lane to another node's.</summary>
public interface IChannelListener
{
    /// <summary>Takes a publication, in the channel's order.</summary>
    /// <returns>How many subscriptions of the node it goes to, as far as is known.</returns>
    int Deliver(in ChannelHomeProtocol.Deliver delivery);
}
