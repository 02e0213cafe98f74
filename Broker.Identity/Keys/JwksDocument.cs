using System.Security.Cryptography;
using System.Text;
using Broker.Identity.Tokens;
using Microsoft.IdentityModel.Tokens;

namespace Broker.Identity.Keys;

/// <summary>A JSON Web Key Set, RFC 7517 section 5.</summary>
public static class JwksDocument
{
    /// <summary>The longest document that is read.</summary>
    public const int BytesMax = 1024 * 1024;

    /// <summary>Most keys of one document.</summary>
    public const int KeysMax = 256;

    /// <summary>Reads the keys that can verify signatures of tokens; others, such as those for encryption, are left out.</summary>
    /// <param name="json">The document.</param>
    /// <returns>Keys by their ids. Of keys with the same id the first counts; a key without an id is left out.</returns>
    /// <exception cref="InvalidDataException">It is no key set; the message says why.</exception>
    public static IReadOnlyDictionary<string, TokenKey> Read(ReadOnlySpan<byte> json)
    {
        if (json.Length > BytesMax) throw new InvalidDataException($"the key set has more than {BytesMax} bytes");
        JsonWebKeySet set;
        try
        {
            set = new JsonWebKeySet(Encoding.UTF8.GetString(json));
        }
        catch (Exception bad) when (bad is ArgumentException or System.Text.Json.JsonException)
        {
            throw new InvalidDataException("it is not a JSON object with a list of keys", bad);
        }

        if (set.Keys.Count > KeysMax) throw new InvalidDataException($"the key set has more than {KeysMax} keys");
        Dictionary<string, TokenKey> keys = new(StringComparer.Ordinal);
        foreach (JsonWebKey key in set.Keys)
        {
            if (string.IsNullOrEmpty(key.Kid) || key.Use is not (null or "" or "sig") || keys.ContainsKey(key.Kid)) continue;
            if (MakeKey(key) is { } made) keys.Add(key.Kid, made);
        }

        return keys;
    }

    // No "oct": a secret in a document that anyone may read is none.
    private static TokenKey? MakeKey(JsonWebKey key)
    {
        try
        {
            TokenAlgorithm only =
                string.IsNullOrEmpty(key.Alg) ? TokenAlgorithm.Unknown : TokenAlgorithms.Parse(Encoding.UTF8.GetBytes(key.Alg));
            bool isOpen = string.IsNullOrEmpty(key.Alg);
            return key.Kty switch
            {
                "RSA" when isOpen || only.IsRsa() => MakeRsa(key, only),
                "EC" => MakeEcdsa(key) is var made && (isOpen || made.Fits(only)) ? made : null,
                "OKP" when key.Crv == "Ed25519" && (isOpen || only == TokenAlgorithm.EdDSA) =>
                    Ed25519Key.Of(Base64UrlEncoder.DecodeBytes(key.X)),
                _ => null,
            };
        }
        catch (Exception bad) when (bad is CryptographicException or FormatException or ArgumentException)
        {
            return null; // One bad key does not take the others with it.
        }
    }

    private static PublicKey MakeRsa(JsonWebKey key, TokenAlgorithm only)
    {
        var rsa = RSA.Create();
        rsa.ImportParameters(
            new RSAParameters { Modulus = Base64UrlEncoder.DecodeBytes(key.N), Exponent = Base64UrlEncoder.DecodeBytes(key.E) });
        return PublicKey.OfRsa(rsa, only);
    }

    private static PublicKey MakeEcdsa(JsonWebKey key)
    {
        ECCurve curve = key.Crv switch
        {
            "P-256" => ECCurve.NamedCurves.nistP256,
            "P-384" => ECCurve.NamedCurves.nistP384,
            "P-521" => ECCurve.NamedCurves.nistP521,
            _ => throw new CryptographicException("The curve is not supported."),
        };
        return PublicKey.OfEcdsa(ECDsa.Create(new ECParameters
        {
            Curve = curve,
            Q = new ECPoint { X = Base64UrlEncoder.DecodeBytes(key.X), Y = Base64UrlEncoder.DecodeBytes(key.Y) },
        }));
    }
}
