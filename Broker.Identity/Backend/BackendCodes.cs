using Broker.Actors.Model;

namespace Broker.Identity.Backend;

/// <summary>The numbers of the Centrifuge protocol, which backends write, as the hub's own reasons.</summary>
public static class BackendCodes
{
    /// <summary>The longest reason of a disconnect: a close frame has room for 123 bytes, RFC 6455 section 5.5.</summary>
    public const int ReasonBytesMax = 123;

    private static readonly Dictionary<int, HubError> Errors = new()
    {
        [100] = HubError.Internal,
        [101] = HubError.Unauthorized,
        [102] = HubError.UnknownChannel,
        [103] = HubError.PermissionDenied,
        [104] = HubError.MethodNotFound,
        [105] = HubError.AlreadySubscribed,
        [106] = HubError.LimitExceeded,
        [107] = HubError.BadRequest,
        [108] = HubError.NotAvailable,
        [109] = HubError.TokenExpired,
        [110] = HubError.Expired,
        [111] = HubError.TooManyRequests,
        [112] = HubError.UnrecoverablePosition,
        [113] = HubError.ConcurrentPagination,
    };

    private static readonly Dictionary<int, DisconnectReason> Disconnects = new()
    {
        [3001] = DisconnectReason.Shutdown,
        [3004] = DisconnectReason.ServerError,
        [3005] = DisconnectReason.Expired,
        [3006] = DisconnectReason.SubscriptionExpired,
        [3008] = DisconnectReason.Slow,
        [3009] = DisconnectReason.WriteError,
        [3010] = DisconnectReason.InsufficientState,
        [3011] = DisconnectReason.ForceReconnect,
        [3012] = DisconnectReason.NoPong,
        [3013] = DisconnectReason.TooManyRequests,
        [3014] = DisconnectReason.StateInvalidated,
        [3500] = DisconnectReason.InvalidToken,
        [3501] = DisconnectReason.BadRequest,
        [3502] = DisconnectReason.Stale,
        [3503] = DisconnectReason.ForceDisconnect,
        [3504] = DisconnectReason.ConnectionLimit,
        [3505] = DisconnectReason.ChannelLimit,
        [3506] = DisconnectReason.InappropriateProtocol,
        [3507] = DisconnectReason.PermissionDenied,
        [3508] = DisconnectReason.NotAvailable,
        [3509] = DisconnectReason.TooManyErrors,
    };

    /// <summary>The hub's error for a code, with the backend's own words where it has some.</summary>
    public static HubError ErrorOf(int code, string message, bool temporary)
    {
        if (Errors.TryGetValue(code, out HubError known))
            return message.Length == 0 ? known with { Temporary = known.Temporary || temporary }
                : known with { Message = message, Temporary = known.Temporary || temporary };
        return code is >= HubError.ApplicationCodeMin and <= HubError.ApplicationCodeMax
            ? HubError.Application(code, message, temporary)
            : HubError.Internal;
    }

    /// <summary>The hub's reason for a close code from 3000 to 4999, with the backend's own words where it has some.</summary>
    public static DisconnectReason DisconnectOf(int code, string reason)
    {
        string text = Shorten(reason);
        if (code >= 4000) return DisconnectReason.Application(code, text);
        if (!Disconnects.TryGetValue(code, out DisconnectReason known))
            return DisconnectReason.Dialect(code, text, reconnects: code < 3500);
        return text.Length == 0 ? known : known with { Text = text };
    }

    private static string Shorten(string reason)
    {
        // JSON clients would take a reason that is JSON for advice, and a close frame has no room for more.
        string plain = reason.StartsWith('{') ? "" : reason;
        int length = plain.Length;
        while (System.Text.Encoding.UTF8.GetByteCount(plain.AsSpan(0, length)) > ReasonBytesMax) length--;
        return length < plain.Length && char.IsHighSurrogate(plain[length - 1]) ? plain[..(length - 1)] : plain[..length];
    }
}
