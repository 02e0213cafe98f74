using System.Buffers;
using System.Security.Cryptography;
using Broker.Identity.Tokens;
using Microsoft.IdentityModel.Tokens;

namespace Broker.Identity.Keys;

/// <summary>An RSA or ECDSA public key.</summary>
/// <remarks>
/// Microsoft.IdentityModel reads the key and verifies with it, from a pool of its own, as the framework's key objects are not
/// documented to be safe for several threads.
/// </remarks>
public sealed class PublicKey : TokenKey
{
    /// <summary>Shorter RSA keys are refused: NIST SP 800-131A has disallowed them since 2014.</summary>
    public const int RsaBitsMin = 2048;

    private readonly SecurityKey _key;
    // The one algorithm that the key's curve or issuer allows, or Unknown for any of RSA.
    private readonly TokenAlgorithm _only;
    private readonly SignatureProvider?[] _providers = new SignatureProvider?[(int)TokenAlgorithm.EdDSA + 1];

    private PublicKey(SecurityKey key, TokenAlgorithm only)
    {
        _key = key;
        _only = only;
    }

    /// <summary>Takes an RSA key.</summary>
    /// <param name="rsa">Owned by the key from now on.</param>
    /// <param name="only">The one algorithm that the issuer allows with it, or <see cref="TokenAlgorithm.Unknown"/> for any.</param>
    /// <exception cref="CryptographicException">The key is too short.</exception>
    public static PublicKey OfRsa(RSA rsa, TokenAlgorithm only = TokenAlgorithm.Unknown)
    {
        ArgumentNullException.ThrowIfNull(rsa);
        if (rsa.KeySize < RsaBitsMin) throw new CryptographicException($"The RSA key has {rsa.KeySize} bits, fewer than {RsaBitsMin}.");
        return new PublicKey(new RsaSecurityKey(rsa), only);
    }

    /// <summary>Takes an ECDSA key; its curve decides the algorithm, RFC 7518 section 3.4.</summary>
    /// <param name="ecdsa">Owned by the key from now on.</param>
    /// <exception cref="CryptographicException">The curve is none of P-256, P-384 and P-521.</exception>
    public static PublicKey OfEcdsa(ECDsa ecdsa)
    {
        ArgumentNullException.ThrowIfNull(ecdsa);
        TokenAlgorithm algorithm = ecdsa.ExportParameters(includePrivateParameters: false).Curve.Oid.Value switch
        {
            "1.2.840.10045.3.1.7" => TokenAlgorithm.ES256,
            "1.3.132.0.34" => TokenAlgorithm.ES384,
            "1.3.132.0.35" => TokenAlgorithm.ES512,
            _ => throw new CryptographicException("The curve of the key is none of P-256, P-384 and P-521."),
        };
        return new PublicKey(new ECDsaSecurityKey(ecdsa), algorithm);
    }

    /// <inheritdoc />
    public override bool Fits(TokenAlgorithm algorithm) => _only == TokenAlgorithm.Unknown ? algorithm.IsRsa() : algorithm == _only;

    /// <inheritdoc />
    public override bool Verify(TokenAlgorithm algorithm, ReadOnlySpan<byte> signedPart, ReadOnlySpan<byte> signature)
    {
        if (!Fits(algorithm)) return false;
        byte[] rented = ArrayPool<byte>.Shared.Rent(signedPart.Length);
        try
        {
            // The signature in an array of its own: the library takes an offset of it, and reads from its start all the same.
            byte[] whole = signature.ToArray();
            signedPart.CopyTo(rented);
            return ProviderOf(algorithm).Verify(rented, 0, signedPart.Length, whole, 0, whole.Length);
        }
        catch (CryptographicException)
        {
            return false; // A signature of a length that the algorithm cannot have.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(rented);
        }
    }

    // The library's names of these algorithms are those of RFC 7518, and so are ours.
    private SignatureProvider ProviderOf(TokenAlgorithm algorithm)
    {
        ref SignatureProvider? provider = ref _providers[(int)algorithm];
        return Volatile.Read(ref provider) ?? MakeProvider(ref provider, algorithm);
    }

    private SignatureProvider MakeProvider(ref SignatureProvider? provider, TokenAlgorithm algorithm)
    {
        SignatureProvider made = new AsymmetricSignatureProvider(_key, algorithm.ToString(), willCreateSignatures: false);
        return Interlocked.CompareExchange(ref provider, made, null) ?? made;
    }
}
