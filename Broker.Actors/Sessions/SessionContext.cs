using Broker.Actors.Calls.Inbound;
using Broker.Actors.Channels.History;
using Akka.Event;
using Broker.Actors.Access;
using Broker.Actors.Channels;
using Broker.Actors.Channels.Namespaces;

namespace Broker.Actors.Sessions;

/// <summary>What all sessions of a loop share.</summary>
/// <param name="Settings">What one client may do and hold.</param>
/// <param name="Access">Who may do what.</param>
/// <param name="Routes">Where channels live.</param>
/// <param name="Calls">What can be called.</param>
/// <param name="Log">One log for all: a connection event is one line.</param>
public sealed record SessionContext(
    ClientSettings Settings, IHubAccess Access, ChannelRoutes Routes, CallContext Calls, ILoggingAdapter Log)
{
    /// <summary>What channels keep, allow and bound.</summary>
    public ChannelNamespaces Namespaces { get; init; } = ChannelNamespaces.Default;

    /// <summary>Bounds of histories.</summary>
    public HistorySettings History { get; init; } = new();

    /// <summary>The clients of this loop that have connected; null where no server asks for them.</summary>
    internal LoopSessions? Connected { get; init; }

    /// <summary>Whether access is an application's: it may take its time, and decides about calls too.</summary>
    internal bool HasOwnAccess { get; } = Access is not SettingsAccess;
}
