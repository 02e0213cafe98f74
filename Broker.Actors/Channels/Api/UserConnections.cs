using Broker.Actors.Model;

namespace Broker.Actors.Channels.Api;

/// <summary>Connections that a server names.</summary>
/// <param name="User">All of this user; empty for the anonymous ones.</param>
/// <param name="Client">Of these, only the one with this client id; null for all.</param>
public readonly record struct UserConnections(string User, string? Client = null);

/// <summary>A subscription that the server makes for a client.</summary>
public sealed record ServerSubscription
{
    /// <summary>What presence and publications say about the client in this channel: one JSON value, or empty.</summary>
    public ReadOnlyMemory<byte> ChannelInfo { get; init; }

    /// <summary>Data for the client with its subscription: one JSON value, or empty.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>When it expires; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Sends what was published behind this position; null for nothing.</summary>
    public StreamPosition? RecoverSince { get; init; }
}

/// <summary>When a connection expires.</summary>
/// <param name="At">When; null for never.</param>
/// <param name="HasExpired">It has: it is disconnected with 3005.</param>
/// <param name="ConnectionInfo">Replaces what the application says about the connection; null leaves it.</param>
public readonly record struct ConnectionExpiry(DateTimeOffset? At, bool HasExpired = false, ReadOnlyMemory<byte>? ConnectionInfo = null);

/// <summary>Counts of a hub.</summary>
/// <param name="Clients">Connections that have connected.</param>
/// <param name="Users">Distinct users among them; all anonymous connections are one.</param>
/// <param name="Subscriptions">Subscriptions of all of them.</param>
/// <param name="Channels">Channels with a subscriber.</param>
/// <param name="Version">Of the hub.</param>
/// <param name="Uptime">Since it started.</param>
public readonly record struct HubFigures(int Clients, int Users, int Subscriptions, int Channels, string Version, TimeSpan Uptime);
