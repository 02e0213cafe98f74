using Broker.Identity.Tokens;

namespace Broker.Identity.Keys;

/// <summary>A key that verifies signatures of some algorithms, and of no others. Safe for use by many threads.</summary>
public abstract class TokenKey
{
    /// <summary>
    /// Whether tokens of this algorithm may be verified with this key: its kind, its curve and what its issuer says it is for.
    /// </summary>
    public abstract bool Fits(TokenAlgorithm algorithm);

    /// <summary>Verifies a signature.</summary>
    /// <param name="algorithm">One that the key fits.</param>
    /// <param name="signedPart">What was signed.</param>
    /// <param name="signature">The decoded signature, of any length.</param>
    /// <returns>Whether the holder of this key's other half signed exactly that.</returns>
    public abstract bool Verify(TokenAlgorithm algorithm, ReadOnlySpan<byte> signedPart, ReadOnlySpan<byte> signature);
}
