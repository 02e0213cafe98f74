namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>Why a server ends a connection: the code and the reason of its WebSocket close frame.</summary>
/// <param name="Code">3000 to 4999; 4000 and up are free for an application's own.</param>
/// <param name="Reason">A few words for people, at most 123 bytes, so that it fits a close frame. RFC 6455 section 5.5.</param>
public readonly record struct Disconnect(ushort Code, string Reason)
{
    /// <summary>
    /// The client connects again, with a growing random delay: codes 3000 to 3499 and 4000 to 4499. On 3500 to 3999 and
    /// 4500 to 4999 it stays away until its user connects it.
    /// </summary>
    public bool Reconnects => Code is not ((>= 3500 and < 4000) or (>= 4500 and < 5000));

    /// <summary>The client went away by itself. Never sent; the code under which the server counts it.</summary>
    public static Disconnect ConnectionClosed { get; } = new(3000, "connection closed");

    /// <summary>The server is going down. Reconnects.</summary>
    public static Disconnect Shutdown { get; } = new(3001, "shutdown");

    /// <summary>Something went wrong in the server. Reconnects.</summary>
    public static Disconnect ServerError { get; } = new(3004, "internal server error");

    /// <summary>The connection was not refreshed in time. Reconnects.</summary>
    public static Disconnect Expired { get; } = new(3005, "connection expired");

    /// <summary>A subscription was not refreshed in time. Reconnects.</summary>
    public static Disconnect SubscriptionExpired { get; } = new(3006, "subscription expired");

    /// <summary>The client reads too slowly, and its queue is full. Reconnects, and may then recover.</summary>
    public static Disconnect Slow { get; } = new(3008, "slow");

    /// <summary>The socket could not be written. Reconnects.</summary>
    public static Disconnect WriteError { get; } = new(3009, "write error");

    /// <summary>The client missed a publication. Reconnects, and may then recover.</summary>
    public static Disconnect InsufficientState { get; } = new(3010, "insufficient state");

    /// <summary>An operator wants it to connect again. Reconnects.</summary>
    public static Disconnect ForceReconnect { get; } = new(3011, "force reconnect");

    /// <summary>A ping was not answered in time. Reconnects.</summary>
    public static Disconnect NoPong { get; } = new(3012, "no pong");

    /// <summary>Too many commands in too short a time. Reconnects.</summary>
    public static Disconnect TooManyRequests { get; } = new(3013, "too many requests");

    /// <summary>What the client keeps, its token too, is void. Reconnects with nothing kept.</summary>
    public static Disconnect StateInvalidated { get; } = new(3014, "state invalidated");

    /// <summary>The token is wrong. Stays away.</summary>
    public static Disconnect InvalidToken { get; } = new(3500, "invalid token");

    /// <summary>The client broke the protocol. Stays away.</summary>
    public static Disconnect BadRequest { get; } = new(3501, "bad request");

    /// <summary>The client did not send connect in time. Stays away.</summary>
    public static Disconnect Stale { get; } = new(3502, "stale");

    /// <summary>An operator wants it gone. Stays away.</summary>
    public static Disconnect ForceDisconnect { get; } = new(3503, "force disconnect");

    /// <summary>Too many connections, of this user or by another rule. Stays away.</summary>
    public static Disconnect ConnectionLimit { get; } = new(3504, "connection limit");

    /// <summary>The server would have to subscribe it to too many channels. Stays away.</summary>
    public static Disconnect ChannelLimit { get; } = new(3505, "channel limit");

    /// <summary>The data cannot be sent in the client's format, such as binary data in JSON. Stays away.</summary>
    public static Disconnect InappropriateProtocol { get; } = new(3506, "inappropriate protocol");

    /// <summary>The client may not be here. Stays away.</summary>
    public static Disconnect PermissionDenied { get; } = new(3507, "permission denied");

    /// <summary>The server does not do this, said to a command that gets no reply: send. Stays away.</summary>
    public static Disconnect NotAvailable { get; } = new(3508, "not available");

    /// <summary>Too many commands failed. Stays away.</summary>
    public static Disconnect TooManyErrors { get; } = new(3509, "too many errors");

    /// <summary>All of them, by code.</summary>
    public static IReadOnlyList<Disconnect> All { get; } =
    [
        ConnectionClosed, Shutdown, ServerError, Expired, SubscriptionExpired, Slow, WriteError, InsufficientState,
        ForceReconnect, NoPong, TooManyRequests, StateInvalidated, InvalidToken, BadRequest, Stale, ForceDisconnect,
        ConnectionLimit, ChannelLimit, InappropriateProtocol, PermissionDenied, NotAvailable, TooManyErrors,
    ];
}
