using Broker.Actors.Access;
using Broker.Actors.Model;
using Broker.Identity.Backend;
using Broker.Identity.Tokens;

namespace Broker.Identity.Access;

/// <summary>Decides whether a connection or a subscription that expires may stay.</summary>
internal sealed class RefreshAccess(IdentityAccess access)
{
    // A backend that cannot be asked does not end what it admitted: it is asked again after this.
    private static readonly TimeSpan RetryAfterFailure = TimeSpan.FromSeconds(60);

    internal ValueTask<RefreshResult> RefreshAsync(RefreshRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Token.IsEmpty) return ByBackendAsync(request, cancellationToken);
        TokenVerifier? verifier = request.Channel is null ? access.Verifiers.Connections : access.Verifiers.Subscriptions;
        return verifier is null ? new(RefreshResult.Reject(DisconnectReason.InvalidToken))
            : ByTokenAsync(verifier, request, cancellationToken);
    }

    private async ValueTask<RefreshResult> ByTokenAsync(TokenVerifier verifier, RefreshRequest request, CancellationToken cancellationToken)
    {
        TokenResult result = await verifier.VerifyAsync(request.Token, cancellationToken).ConfigureAwait(false);
        if (result.Claims is not { } claims)
        {
            Note(request, result.Reason);
            return result.Status switch
            {
                TokenStatus.Expired =>
                    RefreshResult.Reject(request.Channel is null ? DisconnectReason.Expired : DisconnectReason.SubscriptionExpired),
                TokenStatus.KeysUnavailable => RefreshResult.Reject(HubError.Internal),
                _ => RefreshResult.Reject(DisconnectReason.InvalidToken),
            };
        }

        string? mismatch = request.Channel is { } channel ? SubscribeAccess.Mismatch(claims, request.Principal, channel)
            : claims.Channel is not null ? "it is a subscription token"
            : claims.User != request.Principal.User ? "it is another user's"
            : null;
        if (mismatch is null && access.Revocations.Covers(claims.User, claims.TokenId, claims.IssuedAt))
            mismatch = "it is revoked, or its user is blocked";
        if (mismatch is not null)
        {
            Note(request, mismatch);
            return RefreshResult.Reject(DisconnectReason.InvalidToken);
        }

        if (request.Channel is null && request.Principal.State is ConnectionIdentity identity
            && !identity.Channels.SequenceEqual(claims.Subscriptions.Select(each => each.Channel).Order(StringComparer.Ordinal)))
        {
            return RefreshResult.Reject(DisconnectReason.InsufficientState);
        }

        return RefreshResult.Extend(claims.GrantEndsAt) with { Info = request.Channel is null ? claims.Info : claims.Subscription.Info };
    }

    // No one shows a token: the hub itself asks, because what the backend granted has expired.
    private async ValueTask<RefreshResult> ByBackendAsync(RefreshRequest request, CancellationToken cancellationToken)
    {
        DisconnectReason expired = request.Channel is null ? DisconnectReason.Expired : DisconnectReason.SubscriptionExpired;
        if (access.Backend is not { } backend || (request.Channel is null ? backend.Settings.Refresh : backend.Settings.SubRefresh) is null)
            return RefreshResult.Reject(expired);
        BackendClient client = BackendClients.Of(request.Principal);
        BackendAnswer<RefreshBackendResult> answer = request.Channel is { } channel
            ? await backend.SubRefreshAsync(client, channel, cancellationToken).ConfigureAwait(false)
            : await backend.RefreshAsync(client, cancellationToken).ConfigureAwait(false);
        if (answer.HasFailed) return RefreshResult.Extend(access.Time.GetUtcNow() + RetryAfterFailure);

        // As in the field: an error or a disconnect says the same as no result.
        if (answer.Result is not { Expired: false, ExpireAt: > 0 } result) return RefreshResult.Reject(expired);
        ReadOnlyMemory<byte> info = BackendResults.BytesOf(result.Info, result.BinaryInfo);
        if (request.Principal.State is ConnectionIdentity identity && BackendResults.BytesOf(result.Meta, null) is { IsEmpty: false } meta)
            identity.Client = identity.Client with { Meta = meta };
        RefreshResult extended = RefreshResult.Extend(BackendResults.TimeOf(result.ExpireAt));
        return info.IsEmpty ? extended : extended with { Info = info };
    }

    private void Note(RefreshRequest request, string reason) =>
        IdentityLog.Refused(access.Log, request.Channel is null ? "connection" : "subscription", request.Principal.Client, "", reason);
}
