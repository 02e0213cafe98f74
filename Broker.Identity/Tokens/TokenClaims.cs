namespace Broker.Identity.Tokens;

/// <summary>The claims of a token whose signature has been verified: connection and subscription tokens alike.</summary>
public sealed record TokenClaims
{
    /// <summary>The user: <c>sub</c>, or the claim that the settings name. Empty is an anonymous user.</summary>
    public string User { get; init; } = "";

    /// <summary>The token's id, <c>jti</c>; empty if it has none. Tokens are revoked by it.</summary>
    public string TokenId { get; init; } = "";

    /// <summary>Who issued the token, <c>iss</c>; empty if it does not say.</summary>
    public string Issuer { get; init; } = "";

    /// <summary>For whom it is meant, <c>aud</c>.</summary>
    public IReadOnlyList<string> Audience { get; init; } = [];

    /// <summary>When it was issued, <c>iat</c>.</summary>
    public DateTimeOffset? IssuedAt { get; init; }

    /// <summary>From when on it is no longer accepted, <c>exp</c>.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Until when it is not yet accepted, <c>nbf</c>.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>
    /// When what the token grants ends, <c>expire_at</c>; it stands over <c>exp</c>. <see cref="DateTimeOffset.MaxValue"/> for 0, which is
    /// never.
    /// </summary>
    public DateTimeOffset? ExpireAt { get; init; }

    /// <summary>When the connection or subscription that the token grants ends; <c>null</c> for never.</summary>
    public DateTimeOffset? GrantEndsAt => ExpireAt is { } at ? at == DateTimeOffset.MaxValue ? null : at : ExpiresAt;

    /// <summary>What publications and presence say of the client: <c>info</c> as JSON, or the bytes of <c>b64info</c>.</summary>
    public ReadOnlyMemory<byte> Info { get; init; }

    /// <summary>What the backend is sent about the connection, as JSON; clients never see it.</summary>
    public ReadOnlyMemory<byte> Meta { get; init; }

    /// <summary>
    /// Channels that the connection is subscribed to by the server: <c>subs</c>, or <c>channels</c> where that is absent.
    /// </summary>
    public IReadOnlyList<TokenSubscription> Subscriptions { get; init; } = [];

    /// <summary>The channel of a subscription token; <c>null</c> in a connection token.</summary>
    public string? Channel { get; init; }

    /// <summary>The client id that a subscription token is bound to; <c>null</c> for any.</summary>
    public string? Client { get; init; }

    /// <summary>What the subscription's options are by this token, rather than by its namespace.</summary>
    public TokenSubscription Subscription { get; init; } = TokenSubscription.None;
}

/// <summary>Options of one subscription by a token.</summary>
/// <param name="Channel">The channel.</param>
public sealed record TokenSubscription(string Channel)
{
    /// <summary>No channel, and nothing said about it.</summary>
    public static TokenSubscription None { get; } = new("");

    /// <summary>What publications and presence say of the client in this channel: JSON, or the bytes of <c>b64info</c>.</summary>
    public ReadOnlyMemory<byte> Info { get; init; }

    /// <summary>What the client is sent in its subscribe reply: JSON, or the bytes of <c>b64data</c>.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Options that stand over those of the namespace.</summary>
    public SubscriptionOverride Override { get; init; }
}

/// <summary>Options of a namespace that a token or the backend sets for one subscription; <c>null</c> leaves the namespace's.</summary>
/// <param name="Presence">Whether the subscriber is listed as present.</param>
/// <param name="JoinLeave">Whether others are notified of its coming and going.</param>
/// <param name="ForceRecovery">Whether it may recover what it missed.</param>
/// <param name="ForcePositioning">Whether its position is checked.</param>
/// <param name="ForcePushJoinLeave">Whether it is notified of the coming and going of others.</param>
public readonly record struct SubscriptionOverride(
    bool? Presence, bool? JoinLeave, bool? ForceRecovery, bool? ForcePositioning, bool? ForcePushJoinLeave);
