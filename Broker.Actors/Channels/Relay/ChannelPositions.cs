using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Model;

namespace Broker.Actors.Channels.Relay;

/// <summary>
/// Compares where a channel stands on this node with its home, and has the loops find out what that means for positioned subscribers.
/// </summary>
/// <remarks>For the thread of the relay.</remarks>
/// <param name="home">The home of the channels.</param>
/// <param name="channels">Those of this node.</param>
/// <param name="order">The order of their commands.</param>
/// <param name="counters">Counts what was found.</param>
/// <param name="nodes">Homes on other nodes; null in a hub of one node.</param>
internal sealed class ChannelPositions(
    ChannelHome home, RelayChannels channels, ChannelOrder order, NamespaceCounters counters, NodeHomes? nodes)
{
    /// <summary>Asks the home of a channel, if the channel still has subscribers here.</summary>
    internal void Check(string name)
    {
        if (!channels.TryGet(name, out RelayChannel? channel)) return;
        if (nodes is not null && !nodes.IsHere(name)) nodes.Ask(NodeMethods.Check, channel, name);
        else
            order.Then(
                this, name, isAppend: false, AskHome(channel), channel, static (self, asked, given) => self.OnChecked(asked, given));
    }

    /// <summary>Asks the home on this node.</summary>
    internal ValueTask<ChannelHomeProtocol.PositionChecked> AskHome(RelayChannel channel) =>
        home.CheckAsync(new ChannelHomeProtocol.CheckPosition(channel.Name, Request: 0), channel);

    internal void OnChecked(RelayChannel channel, in ChannelHomeProtocol.PositionChecked given)
    {
        if (given.Error is not null || !channels.IsCurrent(channel)) return;
        if (given.IsAttached)
        {
            OnPosition(channel, given.Position);
            return;
        }

        // The home has dropped this node: nothing has come from it since.
        if (nodes is not null && !nodes.IsHere(channel.Name))
        {
            nodes.AttachAgain(channel.Name);
            return;
        }

        ValueTask<ChannelHomeProtocol.Attached> attached =
            home.AttachAsync(new ChannelHomeProtocol.Attach(channel.Name, Request: 0), channel);
        order.Then(
            this, channel.Name, isAppend: false, attached, channel, static (self, asked, answer) => self.OnAttachedAgain(asked, answer));
    }

    private void OnAttachedAgain(RelayChannel channel, in ChannelHomeProtocol.Attached attached)
    {
        if (!channels.IsCurrent(channel)) home.Detach(new ChannelHomeProtocol.Detach(channel.Name), channel);
        else if (attached.Error is null) OnPosition(channel, attached.Position);
    }

    private void OnPosition(RelayChannel channel, StreamPosition position)
    {
        bool isLost = position != channel.Position;
        counters.Add(channel.Options, isLost ? NamespaceCount.PositionsLost : NamespaceCount.PositionsKept);
        if (isLost) channel.Move(position);
        channel.Verify(isLost);
    }
}
