using Broker.Identity.Tokens;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace Broker.Identity.Keys;

/// <summary>An Ed25519 public key, RFC 8037.</summary>
/// <remarks>By Bouncy Castle: neither the framework nor Microsoft.IdentityModel has the curve.</remarks>
public sealed class Ed25519Key : TokenKey
{
    private readonly Ed25519.PublicPoint _point;

    private Ed25519Key(Ed25519.PublicPoint point) => _point = point;

    /// <summary>Takes a key.</summary>
    /// <param name="key">Its 32 bytes.</param>
    /// <returns>The key, or <c>null</c> if the bytes are no point of the curve.</returns>
    public static Ed25519Key? Of(byte[] key) =>
        key?.Length == Ed25519.PublicKeySize && Ed25519.ValidatePublicKeyFullExport(key, 0) is { } point ? new Ed25519Key(point) : null;

    /// <inheritdoc />
    public override bool Fits(TokenAlgorithm algorithm) => algorithm == TokenAlgorithm.EdDSA;

    /// <inheritdoc />
    public override bool Verify(TokenAlgorithm algorithm, ReadOnlySpan<byte> signedPart, ReadOnlySpan<byte> signature)
    {
        if (!Fits(algorithm) || signature.Length != Ed25519.SignatureSize) return false;
        byte[] message = signedPart.ToArray();
        return Ed25519.Verify(signature.ToArray(), 0, _point, message, 0, message.Length);
    }
}
