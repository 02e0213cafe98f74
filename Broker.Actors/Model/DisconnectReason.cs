
namespace Broker.Actors.Model;

/// <summary>What kind of reason ends a connection. Each dialect has its own codes for them.</summary>
public enum DisconnectKind : byte
{
    /// <summary>The server stops.</summary>
    Shutdown,

    /// <summary>The server failed.</summary>
    ServerError,

    /// <summary>The connection was not refreshed in time.</summary>
    Expired,

    /// <summary>A subscription that the server made was not refreshed in time.</summary>
    SubscriptionExpired,

    /// <summary>The client reads too slowly, and its queue is full.</summary>
    Slow,

    /// <summary>The socket could not be written.</summary>
    WriteError,

    /// <summary>The client missed a publication of a subscription that the server made.</summary>
    InsufficientState,

    /// <summary>An operator or the application wants the client to connect again.</summary>
    ForceReconnect,

    /// <summary>A ping was not answered in time.</summary>
    NoPong,

    /// <summary>Too many commands in too short a time, or too much work at once.</summary>
    TooManyRequests,

    /// <summary>Everything that the client keeps is void, its token too.</summary>
    StateInvalidated,

    /// <summary>The token is wrong.</summary>
    InvalidToken,

    /// <summary>The client broke the protocol.</summary>
    BadRequest,

    /// <summary>The client did not connect in time.</summary>
    Stale,

    /// <summary>An operator or the application wants the client gone.</summary>
    ForceDisconnect,

    /// <summary>Too many connections, of this user or by another rule.</summary>
    ConnectionLimit,

    /// <summary>The server would have to subscribe the client to too many channels.</summary>
    ChannelLimit,

    /// <summary>The data cannot be written in the client's format.</summary>
    InappropriateProtocol,

    /// <summary>The client may not connect.</summary>
    PermissionDenied,

    /// <summary>The server does not do this, and the command has no reply.</summary>
    NotAvailable,

    /// <summary>Too many commands failed.</summary>
    TooManyErrors,

    /// <summary>An application's own reason; <see cref="DisconnectReason.ApplicationCode"/> is its code.</summary>
    Application,

    /// <summary>A dialect's own reason; <see cref="DisconnectReason.DialectCode"/> is its code.</summary>
    Dialect,
}

/// <summary>Why the server ends a connection.</summary>
/// <param name="Kind">What kind of reason.</param>
/// <param name="Text">A few words for people, at most 123 bytes of UTF-8. RFC 6455 section 5.5.</param>
/// <param name="Reconnects">Whether the client may come back by itself.</param>
public readonly record struct DisconnectReason(DisconnectKind Kind, string Text, bool Reconnects)
{
    /// <summary>With <see cref="DisconnectKind.Application"/>: 4000 to 4999. Otherwise 0.</summary>
    public int ApplicationCode { get; private init; }

    /// <summary>With <see cref="DisconnectKind.Dialect"/>: the code that the dialect sends. Otherwise 0.</summary>
    public int DialectCode { get; private init; }

    /// <summary>The server stops. The client reconnects.</summary>
    public static DisconnectReason Shutdown { get; } = new(DisconnectKind.Shutdown, "shutdown", Reconnects: true);

    /// <summary>The server failed. The client reconnects.</summary>
    public static DisconnectReason ServerError { get; } = new(DisconnectKind.ServerError, "internal server error", Reconnects: true);

    /// <summary>The connection was not refreshed in time. The client reconnects.</summary>
    public static DisconnectReason Expired { get; } = new(DisconnectKind.Expired, "connection expired", Reconnects: true);

    /// <summary>A subscription was not refreshed in time. The client reconnects.</summary>
    public static DisconnectReason SubscriptionExpired { get; } =
        new(DisconnectKind.SubscriptionExpired, "subscription expired", Reconnects: true);

    /// <summary>The client reads too slowly. It reconnects, and may then recover.</summary>
    public static DisconnectReason Slow { get; } = new(DisconnectKind.Slow, "slow", Reconnects: true);

    /// <summary>The socket could not be written. The client reconnects.</summary>
    public static DisconnectReason WriteError { get; } = new(DisconnectKind.WriteError, "write error", Reconnects: true);

    /// <summary>The client missed a publication. It reconnects, and may then recover.</summary>
    public static DisconnectReason InsufficientState { get; } =
        new(DisconnectKind.InsufficientState, "insufficient state", Reconnects: true);

    /// <summary>The client is told to connect again.</summary>
    public static DisconnectReason ForceReconnect { get; } = new(DisconnectKind.ForceReconnect, "force reconnect", Reconnects: true);

    /// <summary>A ping was not answered in time. The client reconnects.</summary>
    public static DisconnectReason NoPong { get; } = new(DisconnectKind.NoPong, "no pong", Reconnects: true);

    /// <summary>Too much at once. The client reconnects.</summary>
    public static DisconnectReason TooManyRequests { get; } = new(DisconnectKind.TooManyRequests, "too many requests", Reconnects: true);

    /// <summary>What the client keeps is void. It reconnects with nothing kept.</summary>
    public static DisconnectReason StateInvalidated { get; } = new(DisconnectKind.StateInvalidated, "state invalidated", Reconnects: true);

    /// <summary>The token is wrong. Final.</summary>
    public static DisconnectReason InvalidToken { get; } = new(DisconnectKind.InvalidToken, "invalid token", Reconnects: false);

    /// <summary>The client broke the protocol. Final.</summary>
    public static DisconnectReason BadRequest { get; } = new(DisconnectKind.BadRequest, "bad request", Reconnects: false);

    /// <summary>The client did not connect in time. Final.</summary>
    public static DisconnectReason Stale { get; } = new(DisconnectKind.Stale, "stale", Reconnects: false);

    /// <summary>The client is told to go. Final.</summary>
    public static DisconnectReason ForceDisconnect { get; } = new(DisconnectKind.ForceDisconnect, "force disconnect", Reconnects: false);

    /// <summary>Too many connections. Final.</summary>
    public static DisconnectReason ConnectionLimit { get; } = new(DisconnectKind.ConnectionLimit, "connection limit", Reconnects: false);

    /// <summary>Too many server-side subscriptions. Final.</summary>
    public static DisconnectReason ChannelLimit { get; } = new(DisconnectKind.ChannelLimit, "channel limit", Reconnects: false);

    /// <summary>The data cannot be written in the client's format. Final.</summary>
    public static DisconnectReason InappropriateProtocol { get; } =
        new(DisconnectKind.InappropriateProtocol, "inappropriate protocol", Reconnects: false);

    /// <summary>The client may not connect. Final.</summary>
    public static DisconnectReason PermissionDenied { get; } = new(DisconnectKind.PermissionDenied, "permission denied", Reconnects: false);

    /// <summary>The server does not do this. Final.</summary>
    public static DisconnectReason NotAvailable { get; } = new(DisconnectKind.NotAvailable, "not available", Reconnects: false);

    /// <summary>Too many commands failed. Final.</summary>
    public static DisconnectReason TooManyErrors { get; } = new(DisconnectKind.TooManyErrors, "too many errors", Reconnects: false);

    /// <summary>An application's own reason: the client reconnects on 4000 to 4499, and stays away on 4500 to 4999.</summary>
    /// <param name="code">4000 to 4999.</param>
    /// <param name="text">A few words for people.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code is not an application's.</exception>
    public static DisconnectReason Application(int code, string text)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(code, 4000);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, 4999);
        return new DisconnectReason(DisconnectKind.Application, text, Reconnects: code < 4500) { ApplicationCode = code };
    }

    /// <summary>A dialect's own reason, such as a violation that its protocol has a code for. Only that dialect reads it.</summary>
    /// <param name="code">As the dialect sends it.</param>
    /// <param name="text">A few words for people.</param>
    /// <param name="reconnects">Whether the client may come back by itself.</param>
    public static DisconnectReason Dialect(int code, string text, bool reconnects) =>
        new(DisconnectKind.Dialect, text, reconnects) { DialectCode = code };
}
