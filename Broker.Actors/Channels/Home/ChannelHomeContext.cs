using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Namespaces;

namespace Broker.Actors.Channels.Home;

/// <summary>What all homes of a node share.</summary>
/// <param name="Namespaces">What channels keep, allow and bound.</param>
/// <param name="Settings">Bounds of histories.</param>
/// <param name="Time">The clock.</param>
public sealed record ChannelHomeContext(ChannelNamespaces Namespaces, HistorySettings Settings, TimeProvider Time)
{
    /// <summary>The epochs of channels without a history.</summary>
    public EpochSource Epochs { get; } = new();

    /// <summary>What the home counts; each home has counters of its own.</summary>
    public NamespaceCounters Counters { get; init; } = new(Namespaces);

    /// <summary>Told when a store could not do what a channel needed.</summary>
    public Action<string, Exception> OnStoreFailed { get; init; } = static (_, _) => { };
}
