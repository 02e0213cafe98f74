using Broker.Identity.Revocation;

namespace Broker.AspNetCore.Api;

/// <summary>The methods of the server API about users and tokens that are refused before their time.</summary>
internal static class ApiTokenMethods
{
    internal static Task BlockUser(RevocationList? revocations, ApiCall call)
    {
        BlockUserBody body = call.Read(ApiJson.Default.BlockUserBody);
        return Revoke(revocations, call,
            new Revoked(RevokedKind.User, ApiChecks.Text(body.User, "user"), ApiChecks.Time(body.ExpireAt, "expire_at")));
    }

    internal static Task UnblockUser(RevocationList? revocations, ApiCall call)
    {
        BlockUserBody body = call.Read(ApiJson.Default.BlockUserBody);
        Required(revocations).Remove(RevokedKind.User, ApiChecks.Text(body.User, "user"));
        return call.Empty();
    }

    internal static Task RevokeToken(RevocationList? revocations, ApiCall call)
    {
        RevokeTokenBody body = call.Read(ApiJson.Default.RevokeTokenBody);
        return Revoke(revocations, call,
            new Revoked(RevokedKind.Token, ApiChecks.Text(body.Uid, "uid"), ApiChecks.Time(body.ExpireAt, "expire_at")));
    }

    internal static Task InvalidateUserTokens(RevocationList? revocations, ApiCall call)
    {
        InvalidateUserTokensBody body = call.Read(ApiJson.Default.InvalidateUserTokensBody);
        DateTimeOffset before =
            ApiChecks.Time(body.IssuedBefore, "issued_before") ?? throw new ApiException(ApiError.BadRequest("issued_before is missing"));
        return Revoke(revocations, call,
            new Revoked(RevokedKind.UserTokens, ApiChecks.Text(body.User, "user"), ApiChecks.Time(body.ExpireAt, "expire_at"))
                { IssuedBefore = before });
    }

    private static RevocationList Required(RevocationList? revocations) =>
        revocations ?? throw new ApiException(new ApiError(108, "not available: the hub verifies no tokens"));

    private static Task Revoke(RevocationList? revocations, ApiCall call, Revoked entry) =>
        Required(revocations).Add(entry) ? call.Empty()
            : throw new ApiException(new ApiError(106, "limit exceeded: broker.revocation.entries-max revocations are in force"));
}
