using Broker.Identity.Settings;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Broker.Identity.Keys;
using Broker.Identity.Tokens;
using Microsoft.Extensions.Time.Testing;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using static Broker.Tests.Identity.TestTokens;
using Broker.Tests.Support;

namespace Broker.Tests.Identity;

/// <summary>Which tokens are accepted, and why the others are not.</summary>
public sealed class TokenVerifierTests
{
    [Fact]
    public void Accepts_a_signed_token_without_waiting()
    {
        ValueTask<TokenResult> verification = Verifier().VerifyAsync(Hmac("""{"sub":"42"}"""));
        Assert.True(verification.IsCompleted);
        Assert.Equal("42", Valid(verification).User);
    }

    [Theory]
    [InlineData("HS256"), InlineData("HS384"), InlineData("HS512")]
    public void Accepts_tokens_that_another_library_signed_with_hmac(string algorithm)
    {
        var key = new SymmetricSecurityKey(new byte[64].Select((_, i) => (byte)('a' + i % 26)).ToArray());
        string token = new JsonWebTokenHandler().CreateToken("""{"sub":"42"}""", new SigningCredentials(key, algorithm));
        Assert.Equal("42", Valid(Verifier(keys: new HmacKey(Encoding.UTF8.GetString(key.Key))).VerifyAsync(token)).User);
    }

    [Theory]
    [InlineData("RS256"), InlineData("RS384"), InlineData("RS512")]
    public void Accepts_tokens_that_another_library_signed_with_rsa(string algorithm)
    {
        using var rsa = RSA.Create(2048);
        string token =
            new JsonWebTokenHandler().CreateToken("""{"sub":"42"}""", new SigningCredentials(new RsaSecurityKey(rsa), algorithm));
        Assert.Equal("42", Valid(Verifier(keys: PublicRsa(rsa)).VerifyAsync(token)).User);
    }

    [Theory]
    [InlineData("ES256", "nistP256"), InlineData("ES384", "nistP384"), InlineData("ES512", "nistP521")]
    public void Accepts_tokens_that_another_library_signed_with_ecdsa(string algorithm, string curve)
    {
        using var ecdsa = ECDsa.Create(ECCurve.CreateFromFriendlyName(curve));
        string token =
            new JsonWebTokenHandler().CreateToken("""{"sub":"42"}""", new SigningCredentials(new ECDsaSecurityKey(ecdsa), algorithm));
        Assert.Equal("42", Valid(Verifier(keys: KeyFiles.ReadEcdsa(ecdsa.ExportSubjectPublicKeyInfoPem())).VerifyAsync(token)).User);
    }

    [Fact]
    public void Accepts_the_ed25519_token_of_rfc_8037()
    {
        // RFC 8037 appendix A.4: a signature of the text "Example of Ed25519 signing", so the signature is right and the claims are none.
        const string token =
            "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
            + "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
        byte[] key = Base64Url.DecodeFromChars("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
        Assert.Equal("its payload is not a JSON object", Refused(Verifier(keys: Ed25519Key.Of(key)!).VerifyAsync(token)));
        Assert.Equal(
            "its signature does not match",
                Refused(Verifier(keys: Ed25519Key.Of(key)!).VerifyAsync(token.Replace("RXhh", "RXhi", StringComparison.Ordinal))));
    }

    [Fact]
    public void Refuses_a_token_signed_with_another_secret() =>
        Assert.Equal("its signature does not match", Refused(Verifier().VerifyAsync(Hmac("""{"sub":"42"}""", secret: "another"))));

    [Fact]
    public void Refuses_a_token_whose_claims_were_changed()
    {
        string[] parts = Hmac("""{"sub":"42"}""").Split('.');
        parts[1] = Base64Url.EncodeToString("""{"sub":"43"}"""u8);
        Assert.Equal("its signature does not match", Refused(Verifier().VerifyAsync(string.Join('.', parts))));
    }

    [Theory]
    [InlineData("none"), InlineData("None"), InlineData("nOnE"), InlineData("NONE")]
    public void Refuses_the_algorithm_none(string name)
    {
        string header = Base64Url.EncodeToString(Encoding.ASCII.GetBytes($$"""{"alg":"{{name}}"}"""));
        string payload = Base64Url.EncodeToString("""{"sub":"42"}"""u8);
        Assert.Equal("its algorithm is none, so it is not signed", Refused(Verifier().VerifyAsync($"{header}.{payload}.")));
        Assert.Equal("its algorithm is none, so it is not signed", Refused(Verifier().VerifyAsync($"{header}.{payload}.AAAA")));
    }

    [Fact]
    public void Refuses_an_hmac_token_signed_with_the_rsa_public_key()
    {
        using var rsa = RSA.Create(2048);
        string pem = rsa.ExportSubjectPublicKeyInfoPem();
        Assert.Equal(
            "no key is set for its algorithm",
                Refused(Verifier(keys: KeyFiles.ReadRsa(pem)).VerifyAsync(Hmac("""{"sub":"42"}""", secret: pem))));
    }

    [Fact]
    public void Refuses_an_algorithm_of_another_curve()
    {
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string token = Ecdsa(ecdsa, """{"sub":"42"}""", """{"alg":"ES384"}""", HashAlgorithmName.SHA384);
        Assert.Equal(
            "no key is set for its algorithm",
                Refused(Verifier(keys: KeyFiles.ReadEcdsa(ecdsa.ExportSubjectPublicKeyInfoPem())).VerifyAsync(token)));
    }

    [Fact]
    public void Refuses_a_truncated_token_at_every_length()
    {
        string token = Hmac("""{"sub":"42"}""");
        for (int length = 0; length < token.Length; length++)
        {
            Assert.Equal(TokenStatus.Invalid, Verifier().VerifyAsync(token[..length]).AtOnce().Status);
        }
    }

    [Fact]
    public void Refuses_a_token_of_one_megabyte_without_reading_it()
    {
        TokenVerifier verifier = Verifier();
        byte[] token = Encoding.ASCII.GetBytes(Hmac($$"""{"sub":"{{new string('a', 750_000)}}"}"""));
        Assert.True(token.Length > 1_000_000);
        Assert.StartsWith("it has ", Refused(verifier.VerifyAsync(token)), StringComparison.Ordinal);

        Assert.True(Allocations.Least(() => verifier.VerifyAsync(token).AtOnce(), enough: 1023) < 1024);
    }

    [Theory]
    [InlineData(""), InlineData("."), InlineData(".."), InlineData("a.b"), InlineData("a.b.c.d"), InlineData("e30.e30.e30"),
        InlineData("e30=.e30.e30"), InlineData("a b.c.d")]
    [InlineData("W10.e30.AAAA"), InlineData("bnVsbA.e30.AAAA"), InlineData("eyJhbGciOjF9.e30.AAAA"),
        InlineData("eyJhbGciOiJIUzI1NiJ9eA.e30.AAAA")]
    public void Refuses_what_is_no_token(string token) => Assert.Equal(TokenStatus.Invalid, Verifier().VerifyAsync(token).AtOnce().Status);

    [Theory]
    [InlineData("""{"alg":"HS256","alg":"HS256"}""", "its header has not one alg")]
    [InlineData("""{"alg":"HS256","crit":["exp"]}""", "its header has crit, and no extension is supported")]
    [InlineData("""{"alg":"HS257"}""", "its algorithm is not supported")]
    [InlineData("""{"typ":"JWT"}""", "its header has no alg")]
    [InlineData("""{"alg":"hs256"}""", "its algorithm is not supported")]
    public void Refuses_headers_that_it_does_not_understand(string header, string reason) =>
        Assert.Equal(reason, Refused(Verifier().VerifyAsync(Hmac("""{"sub":"42"}""", header: header))));

    [Fact]
    public void Distinguishes_expired_from_invalid_within_the_clock_skew()
    {
        var time = new FakeTimeProvider(Now);
        TokenVerifier verifier = Verifier(new TokenRules { Skew = TimeSpan.FromSeconds(5) }, time);
        string token = Hmac($$"""{"sub":"42","exp":{{Now.ToUnixTimeSeconds() + 10}}}""");
        time.Advance(TimeSpan.FromSeconds(15));
        Assert.Equal("42", Valid(verifier.VerifyAsync(token)).User);
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(TokenStatus.Expired, verifier.VerifyAsync(token).AtOnce().Status);
        Assert.Null(verifier.VerifyAsync(token).AtOnce().Claims);
    }

    [Fact]
    public void Refuses_a_token_before_its_time_with_the_clock_skew_allowed_for()
    {
        TokenVerifier verifier = Verifier(new TokenRules { Skew = TimeSpan.FromSeconds(5) });
        Assert.Equal(TokenStatus.Valid, verifier.VerifyAsync(Hmac($$"""{"nbf":{{Now.ToUnixTimeSeconds() + 5}}}""")).AtOnce().Status);
        Assert.Equal(TokenStatus.Expired, verifier.VerifyAsync(Hmac($$"""{"nbf":{{Now.ToUnixTimeSeconds() + 6}}}""")).AtOnce().Status);
    }

    [Fact]
    public void A_forged_token_is_invalid_and_not_expired() =>
        Assert.Equal("its signature does not match", Refused(Verifier().VerifyAsync(Hmac("""{"exp":1}""", secret: "another"))));

    [Theory]
    [InlineData("""{"iss":"other","aud":"hub"}""", "its issuer is another")]
    [InlineData("""{"aud":"hub"}""", "its issuer is another")]
    [InlineData("""{"iss":"login","aud":"other"}""", "it is meant for another audience")]
    [InlineData("""{"iss":"login","aud":["a","b"]}""", "it is meant for another audience")]
    [InlineData("""{"iss":"login"}""", "it is meant for another audience")]
    public void Refuses_another_issuer_or_audience(string claims, string reason) =>
        Assert.Equal(reason, Refused(Verifier(new TokenRules { Issuer = "login", Audience = "hub" }).VerifyAsync(Hmac(claims))));

    [Theory]
    [InlineData("""{"iss":"login","aud":"hub"}"""), InlineData("""{"iss":"login","aud":["a","hub"]}""")]
    public void Accepts_the_issuer_and_audience_that_are_set(string claims) =>
        Valid(Verifier(new TokenRules { Issuer = "login", Audience = "hub" }).VerifyAsync(Hmac(claims)));

    [Fact]
    public void Accepts_a_replaced_secret_until_its_end()
    {
        var time = new FakeTimeProvider(Now);
        TokenVerifier verifier = Verifier(null, time, new HmacKey("the new one"), new HmacKey(Secret, Now.AddMinutes(1), time));
        Valid(verifier.VerifyAsync(Hmac("{}")));
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal("its signature does not match", Refused(verifier.VerifyAsync(Hmac("{}"))));
    }

    [Fact]
    public void Refuses_short_rsa_keys_and_private_ones()
    {
        using var rsa = RSA.Create(1024);
        using var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Contains(
            "fewer than 2048", Assert.Throws<InvalidDataException>(() => KeyFiles.ReadRsa(rsa.ExportSubjectPublicKeyInfoPem())).Message,
                StringComparison.Ordinal);
        Assert.Contains(
            "private key", Assert.Throws<InvalidDataException>(() => KeyFiles.ReadEcdsa(ecdsa.ExportPkcs8PrivateKeyPem())).Message,
                StringComparison.Ordinal);
        Assert.Contains(
            "no RSA public key",
                Assert.Throws<InvalidDataException>(() => KeyFiles.ReadRsa(ecdsa.ExportSubjectPublicKeyInfoPem())).Message,
                    StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"sub":42}""", "its the user's id is not a text")]
    [InlineData("""{"sub":"1","sub":"2"}""", "it has sub twice")]
    [InlineData("""{"exp":"soon"}""", "its exp is not a time in seconds")]
    [InlineData("""{"exp":1e400}""", "its exp is not a time in seconds")]
    [InlineData("""{"exp":-1}""", "its exp is not a time in seconds")]
    [InlineData("""{"channels":"a"}""", "its channels is not a list of texts")]
    [InlineData("""{"subs":{"a":1}}""", "a channel of its subs is not an object")]
    [InlineData("""{"b64info":"%"}""", "its b64info is not base64")]
    [InlineData("""{"override":{"presence":true}}""", "a switch of its override is not an object with a value")]
    [InlineData("[]", "its payload is not a JSON object")]
    [InlineData("{} {}", "its payload is not a JSON object")]
    [InlineData("{", "its payload is not a JSON object")]
    public void Refuses_claims_of_a_wrong_type(string claims, string reason) =>
        Assert.Equal(reason, Refused(Verifier().VerifyAsync(Hmac(claims))));

    [Fact]
    public void Verifies_hmac_with_few_allocations()
    {
        TokenVerifier verifier = Verifier();
        byte[] token = Encoding.ASCII.GetBytes(Hmac("""{"sub":"42","exp":1999999999}"""));
        Assert.InRange(Allocations.Least(() => Valid(verifier.VerifyAsync(token)), enough: 1024), 1, 1024);
    }

    [Fact]
    public void Written_tokens_are_accepted()
    {
        TokenClaims connection = Valid(Verifier().VerifyAsync(TokenWriter.WriteConnection(Secret, "42", Now, Now.AddHours(1))));
        Assert.Equal(
            ("42", null, Now, Now.AddHours(1)), (connection.User, connection.Channel, connection.IssuedAt, connection.GrantEndsAt));
        TokenClaims subscription = Valid(Verifier().VerifyAsync(TokenWriter.WriteSubscription(Secret, "42", "news", Now, null)));
        Assert.Equal(("42", "news", null), (subscription.User, subscription.Channel, subscription.GrantEndsAt));
    }

    private static TokenClaims Valid(ValueTask<TokenResult> verification)
    {
        TokenResult result = verification.AtOnce();
        Assert.Equal("", result.Reason);
        Assert.Equal(TokenStatus.Valid, result.Status);
        return result.Claims!;
    }

    private static string Refused(ValueTask<TokenResult> verification)
    {
        TokenResult result = verification.AtOnce();
        Assert.Equal(TokenStatus.Invalid, result.Status);
        Assert.Null(result.Claims);
        return result.Reason;
    }
}
