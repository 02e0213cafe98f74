using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Broker.Identity.Keys;
using Broker.Identity.Settings;
using Broker.Identity.Tokens;
using Microsoft.IdentityModel.Tokens;

namespace Broker.Bench.Micro;

/// <summary>A connection token of an algorithm, with what verifies it here, and in Microsoft's handler.</summary>
internal sealed class SignedToken
{
    private const string Claims =
        """{"sub":"user-42","iat":1764500000,"exp":4102444800,"jti":"0b6b1f0e-6f0e-4b6e-9d2e-3d1b6a5b7c11","info":{"name":"Ada"}}""";

    private SignedToken(string signedPart, byte[] signature, TokenKey key, SecurityKey handlerKey, string keyText)
    {
        Text = $"{signedPart}.{Base64Url.EncodeToString(signature)}";
        Bytes = Encoding.ASCII.GetBytes(Text);
        Verifier = new TokenVerifier([key], null, new TokenRules(), TimeProvider.System);
        HandlerKey = handlerKey;
        KeyText = keyText;
    }

    /// <summary>The algorithms that are known here.</summary>
    public static string[] Algorithms { get; } = ["HS256", "RS256", "ES256"];

    public string Text { get; }

    public byte[] Bytes { get; }

    public TokenVerifier Verifier { get; }

    public SecurityKey HandlerKey { get; }

    /// <summary>What the key is, for people.</summary>
    public string KeyText { get; }

    /// <summary>Makes a key and signs a token with it.</summary>
    public static SignedToken Of(string algorithm)
    {
        string header = $$"""{"alg":"{{algorithm}}","typ":"JWT"}""";
        string signedPart =
            $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Claims))}";
        byte[] bytes = Encoding.ASCII.GetBytes(signedPart);
        switch (algorithm)
        {
            case "HS256":
                const string Secret = "a secret of thirty-two characters";
                byte[] key = Encoding.UTF8.GetBytes(Secret);
                return new SignedToken(
                    signedPart, HMACSHA256.HashData(key, bytes), new HmacKey(Secret), new SymmetricSecurityKey(key), "HMAC, 33 bytes");
            case "RS256":
                var rsa = RSA.Create(2048);
                return new SignedToken(
                    signedPart, rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1), PublicKey.OfRsa(rsa),
                    new RsaSecurityKey(rsa), "RSA, 2048 bits");
            default:
                var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
                return new SignedToken(
                    signedPart, ecdsa.SignData(bytes, HashAlgorithmName.SHA256), PublicKey.OfEcdsa(ecdsa), new ECDsaSecurityKey(ecdsa),
                    "ECDSA, P-256");
        }
    }
}
