namespace Broker.Actors.Channels.Presence;

/// <summary>How many are in a channel.</summary>
/// <param name="Clients">Connections.</param>
/// <param name="Users">Distinct users; all anonymous connections are one.</param>
public readonly record struct PresenceCounts(int Clients, int Users);
