using Broker.Actors.Model;
using Broker.Dialects.Centrifuge.Wire;

namespace Broker.Dialects.Centrifuge;

/// <summary>The hub's errors and reasons in the codes of the Centrifuge protocol.</summary>
internal static class CentrifugeCodes
{
    internal static CentrifugeError CodeOf(in HubError error) => error.Kind switch
    {
        HubErrorKind.Application => new CentrifugeError((uint)error.ApplicationCode, error.Message, error.Temporary),
        HubErrorKind.Unauthorized => CentrifugeError.Unauthorized,
        HubErrorKind.UnknownChannel => CentrifugeError.UnknownChannel,
        HubErrorKind.PermissionDenied => CentrifugeError.PermissionDenied,
        HubErrorKind.MethodNotFound => CentrifugeError.MethodNotFound,
        HubErrorKind.AlreadySubscribed => CentrifugeError.AlreadySubscribed,
        HubErrorKind.LimitExceeded => CentrifugeError.LimitExceeded,
        HubErrorKind.BadRequest => CentrifugeError.BadRequest,
        HubErrorKind.NotAvailable => CentrifugeError.NotAvailable,
        HubErrorKind.TokenExpired => CentrifugeError.TokenExpired,
        HubErrorKind.Expired => CentrifugeError.Expired,
        HubErrorKind.TooManyRequests => CentrifugeError.TooManyRequests,
        HubErrorKind.UnrecoverablePosition => CentrifugeError.UnrecoverablePosition,
        HubErrorKind.ConcurrentPagination => CentrifugeError.ConcurrentPagination,
        _ => CentrifugeError.Internal,
    };

    internal static Disconnect CodeOf(in DisconnectReason reason) => reason.Kind switch
    {
        DisconnectKind.Application => new Disconnect((ushort)reason.ApplicationCode, reason.Text),
        DisconnectKind.Dialect => new Disconnect((ushort)reason.DialectCode, reason.Text),
        DisconnectKind.Shutdown => Disconnect.Shutdown,
        DisconnectKind.Expired => Disconnect.Expired,
        DisconnectKind.SubscriptionExpired => Disconnect.SubscriptionExpired,
        DisconnectKind.Slow => Disconnect.Slow,
        DisconnectKind.WriteError => Disconnect.WriteError,
        DisconnectKind.InsufficientState => Disconnect.InsufficientState,
        DisconnectKind.ForceReconnect => Disconnect.ForceReconnect,
        DisconnectKind.NoPong => Disconnect.NoPong,
        DisconnectKind.TooManyRequests => Disconnect.TooManyRequests,
        DisconnectKind.StateInvalidated => Disconnect.StateInvalidated,
        DisconnectKind.InvalidToken => Disconnect.InvalidToken,
        DisconnectKind.BadRequest => Disconnect.BadRequest,
        DisconnectKind.Stale => Disconnect.Stale,
        DisconnectKind.ForceDisconnect => Disconnect.ForceDisconnect,
        DisconnectKind.ConnectionLimit => Disconnect.ConnectionLimit,
        DisconnectKind.ChannelLimit => Disconnect.ChannelLimit,
        DisconnectKind.InappropriateProtocol => Disconnect.InappropriateProtocol,
        DisconnectKind.PermissionDenied => Disconnect.PermissionDenied,
        DisconnectKind.NotAvailable => Disconnect.NotAvailable,
        DisconnectKind.TooManyErrors => Disconnect.TooManyErrors,
        _ => Disconnect.ServerError,
    };

    /// <summary>How a connection ends whose connect failed and whose client cannot be answered with an error.</summary>
    internal static DisconnectReason DisconnectOf(in HubError error) => error.Kind switch
    {
        HubErrorKind.TokenExpired or HubErrorKind.Expired => DisconnectReason.Expired,
        HubErrorKind.TooManyRequests => DisconnectReason.TooManyRequests,
        HubErrorKind.PermissionDenied => DisconnectReason.PermissionDenied,
        _ => DisconnectReason.ServerError,
    };

    internal static Unsubscribed CodeOf(in UnsubscribeReason reason) => reason.Kind switch
    {
        UnsubscribeKind.ByServer => Unsubscribed.ByServer,
        UnsubscribeKind.Expired => Unsubscribed.Expired,
        UnsubscribeKind.StateInvalidated => Unsubscribed.StateInvalidated,
        _ => Unsubscribed.InsufficientState,
    };
}
