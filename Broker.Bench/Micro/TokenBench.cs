using Broker.Identity.Settings;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using BenchmarkDotNet.Attributes;
using Broker.Identity.Keys;
using Broker.Identity.Tokens;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Broker.Bench.Micro;

/// <summary>What does the verification of one token cost, and what would Microsoft's handler take for the same one?</summary>
[MemoryDiagnoser]
public class TokenBench
{
    private const string Claims =
        """{"sub":"user-42","iat":1764500000,"exp":4102444800,"jti":"0b6b1f0e-6f0e-4b6e-9d2e-3d1b6a5b7c11","info":{"name":"Ada"}}""";

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private byte[] _token = [];
    private string _text = "";
    private TokenVerifier _verifier = null!;
    private TokenValidationParameters _parameters = null!;

    [Params("HS256", "RS256", "ES256")]
    public string Algorithm { get; set; } = "";

    [GlobalSetup]
    public void Sign()
    {
        string header = $$"""{"alg":"{{Algorithm}}","typ":"JWT"}""";
        string signedPart =
            $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(Claims))}";
        byte[] bytes = Encoding.ASCII.GetBytes(signedPart);
        (TokenKey key, SecurityKey theirs, byte[] signature) = Algorithm switch
        {
            "HS256" => Hmac(bytes),
            "RS256" => Rsa(bytes),
            _ => Ecdsa(bytes),
        };
        _text = $"{signedPart}.{Base64Url.EncodeToString(signature)}";
        _token = Encoding.ASCII.GetBytes(_text);
        _verifier = new TokenVerifier([key], null, new TokenRules(), TimeProvider.System);
        _parameters = new TokenValidationParameters { ValidateIssuer = false, ValidateAudience = false, IssuerSigningKey = theirs };
    }

    [Benchmark(Baseline = true)]
    public async Task<TokenStatus> Verify()
    {
        TokenStatus status = (await _verifier.VerifyAsync(_token).ConfigureAwait(false)).Status;
        return status == TokenStatus.Valid ? status : throw new InvalidOperationException("The token was refused.");
    }

    [Benchmark]
    public async Task<bool> Handler()
    {
        TokenValidationResult result = await _handler.ValidateTokenAsync(_text, _parameters).ConfigureAwait(false);
        return result.IsValid ? true : throw new InvalidOperationException("The token was refused.", result.Exception);
    }

    private static (TokenKey, SecurityKey, byte[]) Hmac(byte[] bytes)
    {
        const string secret = "a secret of thirty-two characters";
        byte[] key = Encoding.UTF8.GetBytes(secret);
        return (new HmacKey(secret), new SymmetricSecurityKey(key), HMACSHA256.HashData(key, bytes));
    }

    private static (TokenKey, SecurityKey, byte[]) Rsa(byte[] bytes)
    {
        var rsa = RSA.Create(2048);
        return (PublicKey.OfRsa(rsa), new RsaSecurityKey(rsa), rsa.SignData(bytes, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
    }

    private static (TokenKey, SecurityKey, byte[]) Ecdsa(byte[] bytes)
    {
        var ecdsa = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return (PublicKey.OfEcdsa(ecdsa), new ECDsaSecurityKey(ecdsa), ecdsa.SignData(bytes, HashAlgorithmName.SHA256));
    }
}
