namespace Broker.Identity.Tokens;

/// <summary>What came of the verification of a token.</summary>
public enum TokenStatus
{
    /// <summary>Signed by a key of ours, for us, and in its time.</summary>
    Valid,

    /// <summary>Past its <c>exp</c> or before its <c>nbf</c>; everything else about it is right. A client asks for a new one.</summary>
    Expired,

    /// <summary>
    /// Malformed, or with a wrong algorithm, key, signature, issuer, audience or claim. A client asks in vain for another.
    /// </summary>
    Invalid,

    /// <summary>No one can tell: the keys cannot be fetched. A client tries again later.</summary>
    KeysUnavailable,
}

/// <summary>The answer of a <see cref="TokenVerifier"/>.</summary>
/// <param name="Status">What came of it.</param>
/// <param name="Claims">The claims, only of a valid token.</param>
/// <param name="Reason">What is wrong, for the log; it quotes nothing of the token. Empty for a valid one.</param>
public readonly record struct TokenResult(TokenStatus Status, TokenClaims? Claims, string Reason)
{
    /// <summary>A token that may be used.</summary>
    public static TokenResult Valid(TokenClaims claims) => new(TokenStatus.Valid, claims, "");

    /// <summary>A token that is refused for good.</summary>
    public static TokenResult Invalid(string reason) => new(TokenStatus.Invalid, null, reason);
}
