using Broker.Actors.Model;

namespace Broker.Actors.Access;

/// <summary>Whether a client may connect, and as whom.</summary>
public sealed record AuthenticationResult
{
    private AuthenticationResult()
    {
    }

    /// <summary>The client may connect as an anonymous client.</summary>
    public static AuthenticationResult Anonymous { get; } = Admit("");

    /// <summary>
    /// The command fails with this error; the connection stays open for another try, where the dialect has that. Otherwise null.
    /// </summary>
    public HubError? Error { get; private init; }

    /// <summary>The connection ends with this reason. Otherwise null.</summary>
    public DisconnectReason? Disconnect { get; private init; }

    /// <summary>The user; empty for an anonymous client.</summary>
    public string User { get; private init; } = "";

    /// <summary>When the connection expires unless it is refreshed; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether the client itself may refresh it, and so learns when it expires.</summary>
    public bool ClientRefreshes { get; init; } = true;

    /// <summary>What others are sent about the connection; a JSON value where JSON clients are to read it.</summary>
    public ReadOnlyMemory<byte> ConnectionInfo { get; init; }

    /// <summary>Data for the client in the answer to its connect; a JSON value for JSON clients.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Subscriptions that the server makes for the client.</summary>
    public IReadOnlyList<ServerSubscription> Subscriptions { get; init; } = [];

    /// <summary>
    /// Whether the client is subscribed also to what it wants itself, as far as it could subscribe to it by its own: no token and no
    /// backend is asked for that. False where the one that admits it has chosen its channels.
    /// </summary>
    public bool GrantsWantedChannels { get; init; } = true;

    /// <summary>Kept as <see cref="Principal.State"/>, for the questions that follow.</summary>
    public object? State { get; init; }

    /// <summary>The client may connect.</summary>
    /// <param name="user">The user; empty for an anonymous client.</param>
    public static AuthenticationResult Admit(string user) => new() { User = user };

    /// <summary>The connect command fails.</summary>
    public static AuthenticationResult Reject(HubError error) => new() { Error = error };

    /// <summary>The connection ends.</summary>
    public static AuthenticationResult Reject(DisconnectReason reason) => new() { Disconnect = reason };
}

/// <summary>A subscription that the server makes for a client as it connects.</summary>
/// <param name="Channel">The channel.</param>
public sealed record ServerSubscription(string Channel)
{
    /// <summary>What others are sent about the client in this channel.</summary>
    public ReadOnlyMemory<byte> ChannelInfo { get; init; }

    /// <summary>Data for the client with the subscription.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>When it expires; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>Whether the client may recover; null leaves it to the channel's namespace.</summary>
    public bool? Recoverable { get; init; }

    /// <summary>Whether the client's position is watched; null leaves it to the channel's namespace.</summary>
    public bool? Positioned { get; init; }

    /// <summary>Whether the client shows up in the channel's presence; null leaves it to the channel's namespace.</summary>
    public bool? Presence { get; init; }

    /// <summary>Whether joins and leaves are published; null leaves it to the channel's namespace.</summary>
    public bool? JoinLeave { get; init; }
}
