using Broker.Identity.Settings;
using System.Buffers;
using System.Buffers.Text;
using System.Text;
using Broker.Identity.Keys;

namespace Broker.Identity.Tokens;

/// <summary>Verifies tokens with the keys of one issuer. Safe for many threads.</summary>
/// <remarks>
/// In this order, and no step looks at what a later one has not yet proved: the size, the header's algorithm, a key that fits it, the
/// signature, and only then the claims: issuer, audience, times. Tokens of keys that are at hand are verified without a wait.
/// </remarks>
/// <param name="keys">Keys that are at hand, whatever a token says of its key's id.</param>
/// <param name="jwks">Keys by id; <c>null</c> for none.</param>
/// <param name="rules">Rules.</param>
/// <param name="time">The clock.</param>
public sealed class TokenVerifier(IReadOnlyList<TokenKey> keys, JwksSource? jwks, TokenRules rules, TimeProvider time)
{
    /// <summary>Verifies a token.</summary>
    /// <param name="token">The token in ASCII; not kept.</param>
    /// <param name="cancellationToken">Ends the wait for keys.</param>
    /// <returns>The result, which is there at once unless its key has to be fetched.</returns>
    public ValueTask<TokenResult> VerifyAsync(ReadOnlyMemory<byte> token, CancellationToken cancellationToken = default)
    {
        if (!CompactToken.TryRead(token.Span, rules.BytesMax, out CompactToken parts, out string? fault))
            return new(TokenResult.Invalid(fault!));
        if (jwks is null || parts.KeyId.Length == 0) return new(Verify(parts, fetched: null));
        if (jwks.Find(parts.KeyId) is { } key) return new(Verify(parts, key));
        return FitsLocal(parts.Algorithm) ? new(Verify(parts, fetched: null)) : VerifyFetchedAsync(token, parts.KeyId, cancellationToken);
    }

    /// <summary>Verifies a token.</summary>
    /// <param name="token">The token.</param>
    /// <param name="cancellationToken">Ends the wait for keys.</param>
    public ValueTask<TokenResult> VerifyAsync(string token, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(token);
        return token.Length > rules.BytesMax
            ? new(TokenResult.Invalid($"it has {token.Length} characters, more than {rules.BytesMax}"))
            : VerifyAsync(Encoding.UTF8.GetBytes(token), cancellationToken);
    }

    private async ValueTask<TokenResult> VerifyFetchedAsync(ReadOnlyMemory<byte> token, string keyId, CancellationToken cancellationToken)
    {
        (TokenKey? key, bool isUnavailable) = await jwks!.FindAsync(keyId, cancellationToken).ConfigureAwait(false);
        if (key is null)
        {
            return isUnavailable
                ? new TokenResult(TokenStatus.KeysUnavailable, null, "the issuer's keys cannot be fetched")
                : TokenResult.Invalid("its issuer has no key with its key id");
        }

        CompactToken.TryRead(token.Span, rules.BytesMax, out CompactToken parts, out _);
        return Verify(parts, key);
    }

    private TokenResult Verify(in CompactToken token, TokenKey? fetched)
    {
        Span<byte> signature = stackalloc byte[CompactToken.SignatureBytesMax];
        if (!CompactToken.TryDecode(token.Signature, signature, out int length))
            return TokenResult.Invalid("its signature is not base64url");
        signature = signature[..length];
        if (fetched is not null)
        {
            if (!fetched.Fits(token.Algorithm)) return TokenResult.Invalid("its algorithm is not that of the key with its key id");
            return fetched.Verify(token.Algorithm, token.SignedPart, signature) ? ReadClaims(token.Payload)
                : TokenResult.Invalid(BadSignature);
        }

        bool any = false;
        foreach (TokenKey key in keys)
        {
            if (!key.Fits(token.Algorithm)) continue;
            any = true;
            if (key.Verify(token.Algorithm, token.SignedPart, signature)) return ReadClaims(token.Payload);
        }

        return TokenResult.Invalid(any ? BadSignature : jwks is not null ? "it has no key id" : "no key is set for its algorithm");
    }

    private const string BadSignature = "its signature does not match";

    private bool FitsLocal(TokenAlgorithm algorithm)
    {
        foreach (TokenKey key in keys)
        {
            if (key.Fits(algorithm)) return true;
        }

        return false;
    }

    private TokenResult ReadClaims(ReadOnlySpan<byte> payload)
    {
        byte[] rented = ArrayPool<byte>.Shared.Rent(Base64Url.GetMaxDecodedLength(payload.Length));
        try
        {
            if (!CompactToken.TryDecode(payload, rented, out int length)) return TokenResult.Invalid("its payload is not base64url");
            TokenClaims? claims = TokenClaimsReader.Read(rented.AsSpan(0, length), rules.UserIdClaim, out string? fault);
            return claims is null ? TokenResult.Invalid(fault!) : Judge(claims);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented, clearArray: true);
        }
    }

    private TokenResult Judge(TokenClaims claims)
    {
        if (rules.Issuer.Length > 0 && claims.Issuer != rules.Issuer) return TokenResult.Invalid("its issuer is another");
        if (rules.Audience.Length > 0 && !claims.Audience.Contains(rules.Audience))
            return TokenResult.Invalid("it is meant for another audience");
        DateTimeOffset now = time.GetUtcNow();
        if (claims.ExpiresAt is { } end && now > end + rules.Skew) return new TokenResult(TokenStatus.Expired, null, "it has expired");
        if (claims.NotBefore is { } start && now < start - rules.Skew)
            return new TokenResult(TokenStatus.Expired, null, "it is not valid yet");
        return TokenResult.Valid(claims);
    }
}
