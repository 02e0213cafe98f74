namespace Broker.Identity.Revocation;

/// <summary>One thing that is refused before its time.</summary>
/// <param name="Kind">Which.</param>
/// <param name="Id">The token's id (<c>jti</c>), or the user.</param>
/// <param name="Until">When the entry is dropped, as all that it refuses has expired by then; <c>null</c> for never.</param>
public sealed record Revoked(RevokedKind Kind, string Id, DateTimeOffset? Until = null)
{
    /// <summary>Of a user's tokens: those issued before this are refused, and so are those that do not say when they were.</summary>
    public DateTimeOffset IssuedBefore { get; init; }

    /// <summary>
    /// When it was added to the list, or taken back; of two changes on nodes of a cluster the later one holds. Default: of the file.
    /// </summary>
    public DateTimeOffset ChangedAt { get; init; }

    /// <summary>Whether it was taken back, and refuses nothing.</summary>
    public bool IsTakenBack { get; init; }

    /// <summary>Whether it refuses a connection or a token.</summary>
    /// <param name="user">The user.</param>
    /// <param name="tokenId">The id of its token; empty for none.</param>
    /// <param name="issuedAt">When its token was issued; <c>null</c> if unknown.</param>
    public bool Covers(string user, string tokenId, DateTimeOffset? issuedAt) => Kind switch
    {
        RevokedKind.Token => tokenId.Length > 0 && tokenId == Id,
        RevokedKind.User => user == Id,
        _ => user == Id && !(issuedAt >= IssuedBefore),
    };
}

/// <summary>What is refused.</summary>
public enum RevokedKind
{
    /// <summary>One token.</summary>
    Token,

    /// <summary>A user, whatever its token.</summary>
    User,

    /// <summary>A user's tokens that were issued before a time.</summary>
    UserTokens,
}
