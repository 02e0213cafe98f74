using Broker.Identity.Settings;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Broker.Identity.Keys;
using Broker.Identity.Tokens;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Identity;

/// <summary>Keys and tokens of tests; signed by the framework alone, so that nothing of the hub's verifies itself.</summary>
internal static class TestTokens
{
    internal const string Secret = "a secret of thirty-two characters";

    internal static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    internal static string Hmac(string claims, string secret = Secret, string header = """{"alg":"HS256","typ":"JWT"}""") =>
        Sign(header, claims, signedPart => HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), signedPart));

    internal static string Rsa(RSA key, string claims, string header = """{"alg":"RS256","kid":"1"}""") =>
        Sign(header, claims, signedPart => key.SignData(signedPart, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));

    internal static string Ecdsa(ECDsa key, string claims, string header, HashAlgorithmName hash) =>
        Sign(header, claims, signedPart => key.SignData(signedPart, hash));

    internal static string Sign(string header, string claims, Func<byte[], byte[]> sign)
    {
        string signedPart =
            $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims))}";
        return $"{signedPart}.{Base64Url.EncodeToString(sign(Encoding.ASCII.GetBytes(signedPart)))}";
    }

    internal static TokenVerifier Verifier(TokenRules? rules = null, TimeProvider? time = null, params TokenKey[] keys) =>
        new(keys.Length == 0 ? [new HmacKey(Secret)] : keys, null, rules ?? new TokenRules(), time ?? new FakeTimeProvider(Now));

    internal static TokenKey PublicRsa(RSA key) => KeyFiles.ReadRsa(key.ExportSubjectPublicKeyInfoPem());

    internal static string JwksOf(params (string Kid, RSA Key)[] keys) =>
        $$"""{"keys":[{{string.Join(',', keys.Select(each => RsaJwk(each.Kid, each.Key)))}}]}""";

    internal static string RsaJwk(string kid, RSA key)
    {
        RSAParameters parameters = key.ExportParameters(includePrivateParameters: false);
        return $$"""{"kty":"RSA","use":"sig","kid":"{{kid}}","n":"{{Base64Url.EncodeToString(parameters.Modulus)}}","e":"{{Base64Url.EncodeToString(parameters.Exponent)}}"}""";
    }

    /// <summary>An answer that has to be there without a wait.</summary>
    internal static T AtOnce<T>(this ValueTask<T> answer)
    {
        Assert.True(answer.IsCompleted, "The answer was not there at once.");
        return answer.GetAwaiter().GetResult();
    }
}
