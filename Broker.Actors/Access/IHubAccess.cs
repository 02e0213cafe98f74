using Broker.Actors.Model;

namespace Broker.Actors.Access;

/// <summary>The one place that decides who may connect and do what, for every dialect and every way in.</summary>
/// <remarks>
/// Called by all sessions at once, on the threads of their loops: an answer that takes long is awaited without blocking, and the
/// client is not read meanwhile. An answer that is known at once costs nothing more. An exception, or an answer that does not come
/// within the limit for connecting, is <see cref="HubError.Internal"/> for a command and <see cref="DisconnectReason.ServerError"/>
/// for a connect. An application registers its own by dependency injection.
/// </remarks>
public interface IHubAccess
{
    /// <summary>Decides whether a client may connect, and as whom.</summary>
    /// <param name="request">What the client has shown; its bytes may be kept.</param>
    /// <param name="cancellationToken">Cancelled when the client goes, before the answer or after it.</param>
    ValueTask<AuthenticationResult> AuthenticateAsync(AuthenticationRequest request, CancellationToken cancellationToken);

    /// <summary>Decides whether a client may do something with a channel or a method.</summary>
    /// <param name="request">Who wants to do what.</param>
    /// <param name="cancellationToken">Cancelled when the client goes before the answer.</param>
    ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken);

    /// <summary>
    /// Decides whether a connection, or a subscription, that expires may stay: the client has shown a new token, or it has expired and is
    /// not the client's to refresh.
    /// </summary>
    /// <param name="request">Who, with what.</param>
    /// <param name="cancellationToken">Cancelled when the client goes before the answer.</param>
    ValueTask<RefreshResult> RefreshAsync(RefreshRequest request, CancellationToken cancellationToken) =>
        new(RefreshResult.Reject(HubError.NotAvailable));
}
