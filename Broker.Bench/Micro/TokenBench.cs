using BenchmarkDotNet.Attributes;
using Broker.Identity.Tokens;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Broker.Bench.Micro;

/// <summary>What does the verification of one token cost, and what would Microsoft's handler take for the same one?</summary>
[MemoryDiagnoser]
public class TokenBench
{
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private SignedToken _token = null!;
    private TokenValidationParameters _parameters = null!;

    [Params("HS256", "RS256", "ES256")]
    public string Algorithm { get; set; } = "";

    [GlobalSetup]
    public void Sign()
    {
        _token = SignedToken.Of(Algorithm);
        _parameters = new TokenValidationParameters
        {
            ValidateIssuer = false,
            ValidateAudience = false,
            IssuerSigningKey = _token.HandlerKey,
        };
    }

    [Benchmark(Baseline = true)]
    public async Task<TokenStatus> Verify()
    {
        TokenStatus status = (await _token.Verifier.VerifyAsync(_token.Bytes).ConfigureAwait(false)).Status;
        return status == TokenStatus.Valid ? status : throw new InvalidOperationException("The token was refused.");
    }

    [Benchmark]
    public async Task<bool> Handler()
    {
        TokenValidationResult result = await _handler.ValidateTokenAsync(_token.Text, _parameters).ConfigureAwait(false);
        return result.IsValid ? true : throw new InvalidOperationException("The token was refused.", result.Exception);
    }
}
