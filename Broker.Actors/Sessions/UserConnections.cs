namespace Broker.Actors.Sessions;

/// <summary>Connections that a server names.</summary>
/// <param name="User">All of this user; empty for the anonymous ones.</param>
/// <param name="Client">Of these, only the one with this client id; null for all.</param>
public readonly record struct UserConnections(string User, string? Client = null);

/// <summary>When a connection expires.</summary>
/// <param name="At">When; null for never.</param>
/// <param name="HasExpired">It has: it is disconnected with 3005.</param>
/// <param name="ConnectionInfo">Replaces what the application says about the connection; null leaves it.</param>
public readonly record struct ConnectionExpiry(DateTimeOffset? At, bool HasExpired = false, ReadOnlyMemory<byte>? ConnectionInfo = null);

/// <summary>Counts of one node.</summary>
/// <param name="Node">HOST:PORT for other nodes; empty in a hub of one node.</param>
/// <param name="Figures">Its counts.</param>
public readonly record struct NodeFigures(string Node, HubFigures Figures);

/// <summary>Counts of a hub.</summary>
/// <param name="Clients">Connections that have connected.</param>
/// <param name="Users">Distinct users among them; all anonymous connections are one.</param>
/// <param name="Subscriptions">Subscriptions of all of them.</param>
/// <param name="Channels">Channels with a subscriber.</param>
/// <param name="Version">Of the hub.</param>
/// <param name="Uptime">Since it started.</param>
public readonly record struct HubFigures(int Clients, int Users, int Subscriptions, int Channels, string Version, TimeSpan Uptime);
