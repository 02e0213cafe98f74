namespace Broker.Actors.Model;

/// <summary>What kind of thing is wrong with a command. Each dialect has its own codes for them.</summary>
public enum HubErrorKind : byte
{
    /// <summary>The server failed; the client is most likely not to blame.</summary>
    Internal,

    /// <summary>The client has not shown who it is.</summary>
    Unauthorized,

    /// <summary>There is no such channel, or no such namespace.</summary>
    UnknownChannel,

    /// <summary>The client may not do this.</summary>
    PermissionDenied,

    /// <summary>There is no such method.</summary>
    MethodNotFound,

    /// <summary>The client has this subscription already.</summary>
    AlreadySubscribed,

    /// <summary>A limit is reached, such as that of channels.</summary>
    LimitExceeded,

    /// <summary>The command makes no sense, such as too long a channel name.</summary>
    BadRequest,

    /// <summary>The server does not do this, or not in this channel.</summary>
    NotAvailable,

    /// <summary>The token has expired; a new one helps.</summary>
    TokenExpired,

    /// <summary>What was asked for had expired before it was asked for.</summary>
    Expired,

    /// <summary>Too much in too short a time.</summary>
    TooManyRequests,

    /// <summary>The channel's history no longer holds what was asked for, or belongs to another epoch.</summary>
    UnrecoverablePosition,

    /// <summary>Another page of the same channel is being read.</summary>
    ConcurrentPagination,

    /// <summary>An application's own error; <see cref="HubError.ApplicationCode"/> is its code.</summary>
    Application,
}

/// <summary>Why a command failed. The connection stays open.</summary>
/// <param name="Kind">What kind of thing is wrong.</param>
/// <param name="Message">A few words for people.</param>
/// <param name="Temporary">Whether the same command may succeed later, so that clients retry it.</param>
public readonly record struct HubError(HubErrorKind Kind, string Message, bool Temporary = false)
{
    /// <summary>The least code of an application.</summary>
    public const int ApplicationCodeMin = 400;

    /// <summary>The greatest code of an application.</summary>
    public const int ApplicationCodeMax = 1999;

    /// <summary>With <see cref="HubErrorKind.Application"/>: 400 to 1999. Otherwise 0.</summary>
    public int ApplicationCode { get; private init; }

    /// <summary>The server failed. Clients retry.</summary>
    public static HubError Internal { get; } = new(HubErrorKind.Internal, "internal server error", Temporary: true);

    /// <summary>The client has not shown who it is.</summary>
    public static HubError Unauthorized { get; } = new(HubErrorKind.Unauthorized, "unauthorized");

    /// <summary>There is no such channel, or no such namespace.</summary>
    public static HubError UnknownChannel { get; } = new(HubErrorKind.UnknownChannel, "unknown channel");

    /// <summary>The client may not do this.</summary>
    public static HubError PermissionDenied { get; } = new(HubErrorKind.PermissionDenied, "permission denied");

    /// <summary>There is no such method.</summary>
    public static HubError MethodNotFound { get; } = new(HubErrorKind.MethodNotFound, "method not found");

    /// <summary>The client has this subscription already.</summary>
    public static HubError AlreadySubscribed { get; } = new(HubErrorKind.AlreadySubscribed, "already subscribed");

    /// <summary>A limit is reached.</summary>
    public static HubError LimitExceeded { get; } = new(HubErrorKind.LimitExceeded, "limit exceeded");

    /// <summary>The command makes no sense.</summary>
    public static HubError BadRequest { get; } = new(HubErrorKind.BadRequest, "bad request");

    /// <summary>The server does not do this, or not in this channel.</summary>
    public static HubError NotAvailable { get; } = new(HubErrorKind.NotAvailable, "not available");

    /// <summary>The token has expired; the client gets a new one and retries.</summary>
    public static HubError TokenExpired { get; } = new(HubErrorKind.TokenExpired, "token expired");

    /// <summary>It had expired before it was asked for.</summary>
    public static HubError Expired { get; } = new(HubErrorKind.Expired, "expired");

    /// <summary>Too much in too short a time. Clients retry.</summary>
    public static HubError TooManyRequests { get; } = new(HubErrorKind.TooManyRequests, "too many requests", Temporary: true);

    /// <summary>The history no longer holds what was asked for.</summary>
    public static HubError UnrecoverablePosition { get; } = new(HubErrorKind.UnrecoverablePosition, "unrecoverable position");

    /// <summary>Another page of the same channel is being read. Clients retry.</summary>
    public static HubError ConcurrentPagination { get; } = new(HubErrorKind.ConcurrentPagination, "concurrent pagination", Temporary: true);

    /// <summary>An application's own error.</summary>
    /// <param name="code">400 to 1999.</param>
    /// <param name="message">A few words for people.</param>
    /// <param name="temporary">Whether clients retry.</param>
    /// <exception cref="ArgumentOutOfRangeException">The code is not an application's.</exception>
    public static HubError Application(int code, string message, bool temporary = false)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(code, ApplicationCodeMin);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(code, ApplicationCodeMax);
        return new HubError(HubErrorKind.Application, message, temporary) { ApplicationCode = code };
    }
}
