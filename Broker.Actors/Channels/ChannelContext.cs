using Akka.Actor;
using Broker.Actors.Channels.Formats;
using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.Relay;

namespace Broker.Actors.Channels;

/// <summary>What all homes and relays of a node share.</summary>
/// <param name="FanOuts">The fan-out of each loop, at the place of its number.</param>
/// <param name="Formats">The formats of the hub.</param>
/// <param name="Settings">Bounds.</param>
public sealed record ChannelContext(IReadOnlyList<IActorRef> FanOuts, PublicationFormats Formats, ChannelSettings Settings)
{
    /// <summary>The numbers of channels.</summary>
    public ChannelNumbers Numbers { get; } = new();

    /// <summary>The epochs of channels.</summary>
    public EpochSource Epochs { get; } = new();
}
