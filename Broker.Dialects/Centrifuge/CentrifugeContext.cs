using Broker.Actors.Calls.Methods;
using Broker.Actors.Sessions;

namespace Broker.Dialects.Centrifuge;

/// <summary>What all connections of a form of the dialect share.</summary>
/// <param name="Settings">The dialect's.</param>
/// <param name="Clients">What one client may do and hold.</param>
/// <param name="Format">The form.</param>
/// <param name="Version">Of this hub, told to clients.</param>
internal sealed record CentrifugeContext(CentrifugeSettings Settings, ClientSettings Clients, CentrifugeFormat Format, string Version)
{
    /// <summary>What clients may call; null where nothing looks names up.</summary>
    internal MethodRegistry? Methods { get; init; }

    /// <summary>The most commands in one frame, beside those in which a client that comes back connects and subscribes.</summary>
    internal int CommandsPerFrameMax => Settings.CommandsPerFrameMax;
}
