using Broker.Actors.Model;

namespace Broker.Actors.Access;

/// <summary>
/// A client shows a new token, for its connection or for one subscription; or what is not its own to refresh has expired.
/// </summary>
/// <param name="Principal">Who.</param>
/// <param name="Token">The token, UTF-8; empty where the hub asks by itself.</param>
public sealed record RefreshRequest(Principal Principal, ReadOnlyMemory<byte> Token)
{
    /// <summary>The channel whose subscription is refreshed; null for the connection itself.</summary>
    public string? Channel { get; init; }
}

/// <summary>Whether a connection, or a subscription, may stay.</summary>
public readonly record struct RefreshResult
{
    /// <summary>The command fails with this error. Otherwise null.</summary>
    public HubError? Error { get; private init; }

    /// <summary>The connection ends with this reason. Otherwise null.</summary>
    public DisconnectReason? Disconnect { get; private init; }

    /// <summary>When it expires next; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; private init; }

    /// <summary>What others are sent from now on; null leaves it as it was.</summary>
    public ReadOnlyMemory<byte>? Info { get; init; }

    /// <summary>It may stay.</summary>
    /// <param name="expiresAt">When it expires next; null for never.</param>
    public static RefreshResult Extend(DateTimeOffset? expiresAt) => new() { ExpiresAt = expiresAt };

    /// <summary>The command fails.</summary>
    public static RefreshResult Reject(HubError error) => new() { Error = error };

    /// <summary>The connection ends.</summary>
    public static RefreshResult Reject(DisconnectReason reason) => new() { Disconnect = reason };
}
