using Akka.Event;
using Broker.Actors.Routing;
using Broker.Actors.Rpc;
using Broker.Actors.Settings;

namespace Broker.Actors.Sessions;

/// <summary>What all sessions of a loop share.</summary>
/// <param name="Settings">What one client may do and hold.</param>
/// <param name="Permissions">Who may do what.</param>
/// <param name="Routes">Where channels live.</param>
/// <param name="Calls">What can be called.</param>
/// <param name="Log">One log for all: a connection event is one line.</param>
public sealed record SessionEnvironment(CentrifugeSettings Settings, Permissions Permissions, RoutingTable Routes, CallEnvironment Calls, ILoggingAdapter Log);
