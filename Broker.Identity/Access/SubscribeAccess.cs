using Broker.Actors.Access;
using Broker.Actors.Model;
using Broker.Identity.Backend;
using Broker.Identity.Tokens;

namespace Broker.Identity.Access;

/// <summary>Decides about a subscribe.</summary>
internal sealed class SubscribeAccess(IdentityAccess access)
{
    internal ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken)
    {
        if (access.Channels.Check(request.Subject) is { } unknown) return new(AuthorizationResult.Reject(unknown));
        if (!request.Token.IsEmpty) return ByTokenAsync(request, cancellationToken);
        if (access.Backend is { Settings.Subscribe: not null } backend && !access.Channels.IsUserLimited(request.Subject)
            && access.Channels.UsesSubscribeProxy(request.Subject))
            return request.IsOfConnect ? new(AuthorizationResult.Reject(HubError.PermissionDenied))
                : ByBackendAsync(backend, request, cancellationToken);
        return access.Rules.AuthorizeAsync(request, cancellationToken);
    }

    private ValueTask<AuthorizationResult> ByTokenAsync(AuthorizationRequest request, CancellationToken cancellationToken)
    {
        if (access.Verifiers.Subscriptions is not { } verifier)
            return new(Refuse(request, TokenResult.Invalid("no key is set, so no token can be verified")));
        ValueTask<TokenResult> verification = verifier.VerifyAsync(request.Token, cancellationToken);
        return verification.IsCompletedSuccessfully ? new(Judge(request, verification.Result)) : AwaitAsync(verification);

        async ValueTask<AuthorizationResult> AwaitAsync(ValueTask<TokenResult> pending) =>
            Judge(request, await pending.ConfigureAwait(false));
    }

    private AuthorizationResult Judge(in AuthorizationRequest request, TokenResult result)
    {
        if (result.Claims is not { } claims) return Refuse(request, result);
        if (Mismatch(claims, request.Principal, request.Subject) is { } mismatch)
        {
            IdentityLog.Refused(access.Log, "subscription", request.Principal.Client, "", mismatch);
            return AuthorizationResult.Reject(DisconnectReason.InvalidToken);
        }

        if (access.Revocations.Covers(claims.User, claims.TokenId, claims.IssuedAt))
            return Refuse(request, TokenResult.Invalid("it is revoked, or its user is blocked"));
        return AuthorizationResult.Allow(TermsOf(claims.Subscription, claims.GrantEndsAt));
    }

    /// <summary>What of a subscription token is another's, or <c>null</c>.</summary>
    internal static string? Mismatch(TokenClaims claims, Principal principal, string channel) =>
        claims.Channel is null ? "it is a connection token"
        : claims.Channel != channel ? "it is for another channel"
        : claims.User != principal.User ? "it is another user's"
        : claims.Client is { } client && client != principal.Client ? "it is another client's"
        : null;

    private AuthorizationResult Refuse(in AuthorizationRequest request, TokenResult result)
    {
        IdentityLog.Refused(access.Log, "subscription", request.Principal.Client, "", result.Reason);
        return AuthorizationResult.Reject(result.Status switch
        {
            TokenStatus.Expired => HubError.TokenExpired,
            TokenStatus.KeysUnavailable => HubError.Internal,
            _ => HubError.PermissionDenied,
        });
    }

    private static async ValueTask<AuthorizationResult> ByBackendAsync(
        BackendProxy backend, AuthorizationRequest request, CancellationToken cancellationToken)
    {
        BackendAnswer<SubscribeBackendResult> answer =
            await backend.SubscribeAsync(BackendClients.Of(request.Principal), request.Subject, request.Data, cancellationToken)
                .ConfigureAwait(false);
        if (answer.Disconnect is { } reason) return AuthorizationResult.Reject(reason);
        if (answer.Error is { } error) return AuthorizationResult.Reject(error);
        if (answer.Result is not { } result) return AuthorizationResult.Allowed;
        SubscriptionOverride options = result.Override?.ToOverride() ?? default;
        var granted = new TokenSubscription(request.Subject)
        {
            Info = BackendResults.BytesOf(result.Info, result.BinaryInfo),
            Data = BackendResults.BytesOf(result.Data, result.BinaryData),
            Override = options,
        };
        return AuthorizationResult.Allow(
            TermsOf(granted, BackendResults.TimeOf(result.ExpireAt)) with { ClientRefreshes = backend.Settings.SubRefresh is null });
    }

    private static SubscriptionTerms TermsOf(TokenSubscription granted, DateTimeOffset? endsAt) => new()
    {
        ExpiresAt = endsAt,
        ChannelInfo = granted.Info,
        Data = granted.Data,
        Recoverable = granted.Override.ForceRecovery,
        Positioned = granted.Override.ForcePositioning,
        Presence = granted.Override.Presence,
        JoinLeave = granted.Override.JoinLeave,
        PushJoinLeave = granted.Override.ForcePushJoinLeave,
    };
}
