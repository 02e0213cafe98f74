using System.Security.Cryptography;
using System.Text;
using Broker.Identity.Tokens;

namespace Broker.Identity.Keys;

/// <summary>A secret that the application and the hub share.</summary>
/// <remarks>By the framework's one-shot functions: nothing is allocated, and secrets of any length work, as in the field.</remarks>
public sealed class HmacKey : TokenKey
{
    /// <summary>Fewer bytes than this can be guessed: RFC 7518 section 3.2 asks for as many as the hash has.</summary>
    public const int StrongBytesMin = 32;

    private readonly byte[] _secret;
    private readonly DateTimeOffset? _validUntil;
    private readonly TimeProvider _time;

    /// <summary>Makes a key of a text as it stands in the settings.</summary>
    /// <param name="secret">At least one character.</param>
    /// <param name="validUntil">When the key ends, for a secret that has been replaced; <c>null</c> for never.</param>
    /// <param name="time">Tells when that is.</param>
    public HmacKey(string secret, DateTimeOffset? validUntil = null, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(secret);
        _secret = Encoding.UTF8.GetBytes(secret);
        _validUntil = validUntil;
        _time = time ?? TimeProvider.System;
    }

    /// <inheritdoc />
    public override bool Fits(TokenAlgorithm algorithm) => algorithm.IsHmac() && (_validUntil is not { } end || _time.GetUtcNow() < end);

    /// <inheritdoc />
    public override bool Verify(TokenAlgorithm algorithm, ReadOnlySpan<byte> signedPart, ReadOnlySpan<byte> signature)
    {
        Span<byte> expected = stackalloc byte[HMACSHA512.HashSizeInBytes];
        int length = Sign(algorithm, signedPart, expected);
        return length > 0 && CryptographicOperations.FixedTimeEquals(expected[..length], signature);
    }

    /// <summary>Signs.</summary>
    /// <param name="algorithm">HS256, HS384 or HS512.</param>
    /// <param name="signedPart">What is to be signed.</param>
    /// <param name="signature">Receives it; 64 bytes are always enough.</param>
    /// <returns>Bytes written; 0 for another algorithm.</returns>
    public int Sign(TokenAlgorithm algorithm, ReadOnlySpan<byte> signedPart, Span<byte> signature) => algorithm switch
    {
        TokenAlgorithm.HS256 => HMACSHA256.HashData(_secret, signedPart, signature),
        TokenAlgorithm.HS384 => HMACSHA384.HashData(_secret, signedPart, signature),
        TokenAlgorithm.HS512 => HMACSHA512.HashData(_secret, signedPart, signature),
        _ => 0,
    };
}
