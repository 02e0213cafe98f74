namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>Why a command failed. The connection stays; 400 to 1999 are free for an application's own.</summary>
/// <param name="Code">Over 0. Clients treat codes under 100 as temporary; those are their own.</param>
/// <param name="Message">A few words for people; clients decide by the code alone.</param>
/// <param name="Temporary">
/// The client tries again, with a growing delay. A subscribe that fails for good makes the client unsubscribed; a connect
/// that fails for good makes it disconnected. Other commands only fail, and the one that called them decides.
/// </param>
public readonly record struct CentrifugeError(uint Code, string Message, bool Temporary = false)
{
    /// <summary>Something went wrong in the server, and the client most likely is not to blame. Tries again.</summary>
    public static CentrifugeError Internal { get; } = new(100, "internal server error", Temporary: true);

    /// <summary>The client has not shown who it is. Does not try again.</summary>
    public static CentrifugeError Unauthorized { get; } = new(101, "unauthorized");

    /// <summary>There is no such channel, or no such namespace. Does not try again.</summary>
    public static CentrifugeError UnknownChannel { get; } = new(102, "unknown channel");

    /// <summary>The client may not do this. Does not try again.</summary>
    public static CentrifugeError PermissionDenied { get; } = new(103, "permission denied");

    /// <summary>There is no such method. Does not try again.</summary>
    public static CentrifugeError MethodNotFound { get; } = new(104, "method not found");

    /// <summary>The client has subscribed to this channel before, or is about to. Does not try again.</summary>
    public static CentrifugeError AlreadySubscribed { get; } = new(105, "already subscribed");

    /// <summary>A limit is reached, such as that of channels. Does not try again.</summary>
    public static CentrifugeError LimitExceeded { get; } = new(106, "limit exceeded");

    /// <summary>What was asked makes no sense, such as too long a channel name. Does not try again.</summary>
    public static CentrifugeError BadRequest { get; } = new(107, "bad request");

    /// <summary>The server does not do this, or not in this channel. Does not try again.</summary>
    public static CentrifugeError NotAvailable { get; } = new(108, "not available");

    /// <summary>The token has expired. Not temporary, yet the client gets a new token and tries again.</summary>
    public static CentrifugeError TokenExpired { get; } = new(109, "token expired");

    /// <summary>The connection has expired, without a token. Does not try again.</summary>
    public static CentrifugeError Expired { get; } = new(110, "expired");

    /// <summary>Too much in too short a time. Tries again.</summary>
    public static CentrifugeError TooManyRequests { get; } = new(111, "too many requests", Temporary: true);

    /// <summary>
    /// The stream no longer holds what was asked for, or is another one. Does not try again, except that a subscription
    /// which can load its state by itself (centrifuge-js: getState) drops its position and subscribes anew.
    /// </summary>
    public static CentrifugeError UnrecoverablePosition { get; } = new(112, "unrecoverable position");

    /// <summary>Another page of the same channel is being asked for. Tries again.</summary>
    public static CentrifugeError ConcurrentPagination { get; } = new(113, "concurrent pagination", Temporary: true);

    /// <summary>All of them, by code.</summary>
    public static IReadOnlyList<CentrifugeError> All { get; } =
    [
        Internal, Unauthorized, UnknownChannel, PermissionDenied, MethodNotFound, AlreadySubscribed, LimitExceeded,
        BadRequest, NotAvailable, TokenExpired, Expired, TooManyRequests, UnrecoverablePosition, ConcurrentPagination,
    ];
}
