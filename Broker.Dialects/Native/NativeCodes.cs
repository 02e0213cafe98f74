using Broker.Actors.Model;

namespace Broker.Dialects.Native;

/// <summary>The hub's errors and reasons in the codes of the native protocol: docs/ERRORS.md has them in words.</summary>
internal static class NativeCodes
{
    internal static ushort CodeOf(in HubError error) => error.Kind switch
    {
        HubErrorKind.Application => (ushort)error.ApplicationCode,
        HubErrorKind.Unauthorized => 101,
        HubErrorKind.UnknownChannel => 102,
        HubErrorKind.PermissionDenied => 103,
        HubErrorKind.MethodNotFound => 104,
        HubErrorKind.AlreadySubscribed => 105,
        HubErrorKind.LimitExceeded => 106,
        HubErrorKind.BadRequest => 107,
        HubErrorKind.NotAvailable => 108,
        HubErrorKind.TokenExpired => 109,
        HubErrorKind.Expired => 110,
        HubErrorKind.TooManyRequests => 111,
        HubErrorKind.UnrecoverablePosition => 112,
        HubErrorKind.ConcurrentPagination => 113,
        _ => 100,
    };

    internal static ushort CodeOf(in DisconnectReason reason) => reason.Kind switch
    {
        DisconnectKind.Application => (ushort)reason.ApplicationCode,
        DisconnectKind.Dialect => (ushort)reason.DialectCode,
        DisconnectKind.Shutdown => 3001,
        DisconnectKind.Expired => 3005,
        DisconnectKind.SubscriptionExpired => 3006,
        DisconnectKind.Slow => 3008,
        DisconnectKind.WriteError => 3009,
        DisconnectKind.InsufficientState => 3010,
        DisconnectKind.ForceReconnect => 3011,
        DisconnectKind.NoPong => 3012,
        DisconnectKind.TooManyRequests => 3013,
        DisconnectKind.StateInvalidated => 3014,
        DisconnectKind.InvalidToken => 3500,
        DisconnectKind.BadRequest => 3501,
        DisconnectKind.Stale => 3502,
        DisconnectKind.ForceDisconnect => 3503,
        DisconnectKind.ConnectionLimit => 3504,
        DisconnectKind.ChannelLimit => 3505,
        DisconnectKind.InappropriateProtocol => 3506,
        DisconnectKind.PermissionDenied => 3507,
        DisconnectKind.NotAvailable => 3508,
        DisconnectKind.TooManyErrors => 3509,
        _ => 3004,
    };

    internal static ushort CodeOf(in UnsubscribeReason reason) => reason.Kind switch
    {
        UnsubscribeKind.ByServer => 2000,
        UnsubscribeKind.Expired => 2501,
        UnsubscribeKind.StateInvalidated => 2502,
        _ => 2500,
    };
}
