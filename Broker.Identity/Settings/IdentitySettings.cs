namespace Broker.Identity.Settings;

/// <summary>Who may come in, and who is asked about it.</summary>
public sealed record IdentitySettings
{
    /// <summary>Tokens of connections.</summary>
    public TokenSettings Tokens { get; init; } = new();

    /// <summary>Tokens of subscriptions; <c>null</c> for the same as of connections.</summary>
    public TokenSettings? SubscriptionTokens { get; init; }

    /// <summary>Connections that one user may have, 0 for any number; anonymous ones are not counted.</summary>
    public int UserConnectionsMax { get; init; }

    /// <summary>Server-side channels of each user.</summary>
    public PersonalChannelSettings PersonalChannel { get; init; } = new();

    /// <summary>Tokens and users that are no longer accepted.</summary>
    public RevocationSettings Revocation { get; init; } = new();

    /// <summary>The server API.</summary>
    public ApiSettings Api { get; init; } = new();

    /// <summary>The application's backend.</summary>
    public ProxySettings Proxy { get; init; } = new();
}

/// <summary>A channel that each named user is subscribed to as it connects: <c>#USER</c>, or <c>NAMESPACE:#USER</c>.</summary>
public sealed record PersonalChannelSettings
{
    /// <summary>Whether there is one.</summary>
    public bool Enabled { get; init; }

    /// <summary>Its namespace; empty for none.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>Whether a new connection of a user ends the older ones, with 3504.</summary>
    public bool SingleConnection { get; init; }
}

/// <summary>Where revocations are kept.</summary>
public sealed record RevocationSettings
{
    /// <summary>A file with a revocation a line, which is read again when it changes; empty for none.</summary>
    public string File { get; init; } = "";

    /// <summary>Most revocations that are held at once.</summary>
    public int EntriesMax { get; init; } = 100_000;
}

/// <summary>Who may use the server API, and its bounds.</summary>
public sealed record ApiSettings
{
    /// <summary>Keys, any of which may do everything.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    /// <summary>The longest body of a request.</summary>
    public int BodyBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>Most commands of a batch, and of a body with several commands.</summary>
    public int CommandsMax { get; init; } = 1000;
}
