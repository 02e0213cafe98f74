namespace Broker.Identity.Keys;

/// <summary>A signature algorithm of RFC 7518 section 3.1 or RFC 8037. <c>none</c> is not one.</summary>
public enum TokenAlgorithm
{
    /// <summary>Not an algorithm that is supported.</summary>
    Unknown,

    /// <summary>HMAC with SHA-256.</summary>
    HS256,

    /// <summary>HMAC with SHA-384.</summary>
    HS384,

    /// <summary>HMAC with SHA-512.</summary>
    HS512,

    /// <summary>RSA, PKCS #1 version 1.5, with SHA-256.</summary>
    RS256,

    /// <summary>RSA, PKCS #1 version 1.5, with SHA-384.</summary>
    RS384,

    /// <summary>RSA, PKCS #1 version 1.5, with SHA-512.</summary>
    RS512,

    /// <summary>ECDSA on P-256 with SHA-256.</summary>
    ES256,

    /// <summary>ECDSA on P-384 with SHA-384.</summary>
    ES384,

    /// <summary>ECDSA on P-521 with SHA-512.</summary>
    ES512,

    /// <summary>Ed25519.</summary>
    EdDSA,
}

/// <summary>Names of algorithms as tokens write them.</summary>
public static class TokenAlgorithms
{
    /// <summary>Reads the <c>alg</c> of a token's header. Names are compared exactly, RFC 7515 section 4.1.1.</summary>
    /// <returns>The algorithm, or <see cref="TokenAlgorithm.Unknown"/> for <c>none</c> and every other text.</returns>
    public static TokenAlgorithm Parse(ReadOnlySpan<byte> name) => name switch
    {
        _ when name.SequenceEqual("HS256"u8) => TokenAlgorithm.HS256,
        _ when name.SequenceEqual("HS384"u8) => TokenAlgorithm.HS384,
        _ when name.SequenceEqual("HS512"u8) => TokenAlgorithm.HS512,
        _ when name.SequenceEqual("RS256"u8) => TokenAlgorithm.RS256,
        _ when name.SequenceEqual("RS384"u8) => TokenAlgorithm.RS384,
        _ when name.SequenceEqual("RS512"u8) => TokenAlgorithm.RS512,
        _ when name.SequenceEqual("ES256"u8) => TokenAlgorithm.ES256,
        _ when name.SequenceEqual("ES384"u8) => TokenAlgorithm.ES384,
        _ when name.SequenceEqual("ES512"u8) => TokenAlgorithm.ES512,
        _ when name.SequenceEqual("EdDSA"u8) => TokenAlgorithm.EdDSA,
        _ => TokenAlgorithm.Unknown,
    };

    /// <summary>Whether an algorithm signs with a secret that both sides hold.</summary>
    public static bool IsHmac(this TokenAlgorithm algorithm) =>
        algorithm is TokenAlgorithm.HS256 or TokenAlgorithm.HS384 or TokenAlgorithm.HS512;

    /// <summary>Whether an algorithm signs with an RSA key.</summary>
    public static bool IsRsa(this TokenAlgorithm algorithm) =>
        algorithm is TokenAlgorithm.RS256 or TokenAlgorithm.RS384 or TokenAlgorithm.RS512;
}
