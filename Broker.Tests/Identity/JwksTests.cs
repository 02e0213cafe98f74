using Broker.Identity.Settings;
using System.Security.Cryptography;
using System.Text;
using Broker.Identity.Keys;
using Broker.Identity.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using static Broker.Tests.Identity.TestTokens;

namespace Broker.Tests.Identity;

/// <summary>Key sets: what is read of them, when they are fetched, and what holds while they cannot be.</summary>
public sealed class JwksTests
{
    private static readonly RSA s_rsa = RSA.Create(2048), s_other = RSA.Create(2048);

    private readonly FakeTimeProvider _time = new(Now);
    private readonly JwksTimes _times = new();
    private string _document;
    private Exception? _failure;

    public JwksTests() => _document = JwksOf(("1", s_rsa));

    [Fact]
    public async Task Fetches_the_keys_once_for_many_tokens()
    {
        JwksSource source = Source();
        TokenVerifier verifier = Verifier(source);
        Assert.Equal("42", (await verifier.VerifyAsync(Rsa(s_rsa, """{"sub":"42"}"""))).Claims!.User);
        ValueTask<TokenResult> second = verifier.VerifyAsync(Rsa(s_rsa, """{"sub":"43"}"""));
        Assert.True(second.IsCompleted);
        Assert.Equal("43", (await second).Claims!.User);
        Assert.Equal(1, source.Fetches);
    }

    [Fact]
    public async Task Unknown_key_ids_cause_one_fetch_per_interval()
    {
        JwksSource source = Source();
        TokenVerifier verifier = Verifier(source);
        for (int i = 0; i < 20; i++)
        {
            TokenResult result = await verifier.VerifyAsync(Rsa(s_rsa, "{}", $$"""{"alg":"RS256","kid":"x{{i}}"}"""));
            Assert.Equal((TokenStatus.Invalid, "its issuer has no key with its key id"), (result.Status, result.Reason));
        }

        Assert.Equal(1, source.Fetches);
        _time.Advance(_times.MissInterval);
        await verifier.VerifyAsync(Rsa(s_rsa, "{}", """{"alg":"RS256","kid":"x"}"""));
        Assert.Equal(2, source.Fetches);
    }

    [Fact]
    public async Task A_new_key_is_found_after_the_interval()
    {
        TokenVerifier verifier = Verifier(Source());
        await verifier.VerifyAsync(Rsa(s_rsa, "{}"));
        _document = JwksOf(("1", s_rsa), ("2", s_other));
        string token = Rsa(s_other, "{}", """{"alg":"RS256","kid":"2"}""");
        Assert.Equal(TokenStatus.Invalid, (await verifier.VerifyAsync(token)).Status);
        _time.Advance(_times.MissInterval);
        Assert.Equal(TokenStatus.Valid, (await verifier.VerifyAsync(token)).Status);
    }

    [Fact]
    public async Task A_failed_fetch_is_logged_and_followed_by_a_pause()
    {
        _failure = new HttpRequestException("no route");
        JwksSource source = Source();
        TokenVerifier verifier = Verifier(source);
        Assert.Equal(TokenStatus.KeysUnavailable, (await verifier.VerifyAsync(Rsa(s_rsa, "{}"))).Status);
        Assert.Equal(TokenStatus.KeysUnavailable, (await verifier.VerifyAsync(Rsa(s_rsa, "{}"))).Status);
        Assert.Equal(1, source.Fetches);

        _failure = null;
        _time.Advance(_times.BackoffMin * 1.25);
        Assert.Equal(TokenStatus.Valid, (await verifier.VerifyAsync(Rsa(s_rsa, "{}"))).Status);
    }

    [Fact]
    public async Task Known_keys_outlive_an_outage_but_not_for_ever()
    {
        JwksSource source = Source();
        TokenVerifier verifier = Verifier(source);
        await verifier.VerifyAsync(Rsa(s_rsa, "{}"));
        _failure = new HttpRequestException("no route");
        _time.Advance(_times.KeepMax);
        Assert.Equal(TokenStatus.Valid, (await verifier.VerifyAsync(Rsa(s_rsa, "{}"))).Status);
        _time.Advance(TimeSpan.FromSeconds(1));
        await source.WarmAsync();
        Assert.Equal(TokenStatus.KeysUnavailable, (await verifier.VerifyAsync(Rsa(s_rsa, "{}"))).Status);
    }

    [Fact]
    public async Task A_withdrawn_key_is_refused_after_the_next_refresh()
    {
        JwksSource source = Source();
        TokenVerifier verifier = Verifier(source);
        await verifier.VerifyAsync(Rsa(s_rsa, "{}"));
        _document = JwksOf(("2", s_other));
        _time.Advance(_times.Refresh + TimeSpan.FromSeconds(1));
        await source.WarmAsync();
        Assert.Equal(TokenStatus.Invalid, (await verifier.VerifyAsync(Rsa(s_rsa, "{}"))).Status);
    }

    [Fact]
    public async Task Refuses_a_key_of_another_issuer_with_the_same_key_id()
    {
        TokenVerifier ours = Verifier(Source());
        var theirs =
            new TokenVerifier(
                [], new JwksSource(
                    _ => Task.FromResult(Encoding.UTF8.GetBytes(JwksOf(("1", s_other)))), _times, _time, NullLogger.Instance),
                        new TokenRules(), _time);
        string token = Rsa(s_other, "{}");
        Assert.Equal(TokenStatus.Valid, (await theirs.VerifyAsync(token)).Status);
        Assert.Equal("its signature does not match", (await ours.VerifyAsync(token)).Reason);
    }

    [Fact]
    public async Task Refuses_an_algorithm_that_is_not_the_keys()
    {
        TokenVerifier verifier = Verifier(Source());
        Assert.Equal(
            "its algorithm is not that of the key with its key id",
                (await verifier.VerifyAsync(Hmac("{}", header: """{"alg":"HS256","kid":"1"}"""))).Reason);
        Assert.Equal("it has no key id", (await verifier.VerifyAsync(Rsa(s_rsa, "{}", """{"alg":"RS256"}"""))).Reason);
    }

    [Fact]
    public void Reads_keys_for_signatures_and_no_others()
    {
        string rsa = RsaJwk("1", s_rsa);
        string document = $$"""
            {"keys":[{{rsa}},
              {{rsa.Replace("\"sig\"", "\"enc\"", StringComparison.Ordinal).Replace("\"1\"", "\"2\"", StringComparison.Ordinal)}},
              {"kty":"oct","kid":"3","k":"AAAA"},
              {"kty":"EC","kid":"4","crv":"P-256","x":"AAAA","y":"AAAA"},
              {"kty":"OKP","kid":"5","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
              {"kty":"RSA","kid":"6","n":"!","e":"AQAB"},
              {{rsa.Replace(",\"kid\":\"1\"", "", StringComparison.Ordinal)}}]}
            """;
        IReadOnlyDictionary<string, TokenKey> keys = JwksDocument.Read(Encoding.UTF8.GetBytes(document));
        Assert.Equal(["1", "5"], keys.Keys.Order());
        Assert.True(keys["5"].Fits(TokenAlgorithm.EdDSA));
    }

    [Theory]
    [InlineData("[]"), InlineData("not json"), InlineData("")]
    public void Refuses_a_document_that_is_no_key_set(string document) =>
        Assert.Throws<InvalidDataException>(() => JwksDocument.Read(Encoding.UTF8.GetBytes(document)));

    [Theory]
    [InlineData("https://evil.example.org/keys", "is on the list of allowed hosts (login.example.org)")]
    [InlineData("https://login.example.org.evil.example/keys", "is on the list of allowed hosts")]
    [InlineData("https://login.example.org@evil.example.org/keys", "without a user")]
    [InlineData("file:///etc/passwd", "http or https URL")]
    [InlineData("keys", "http or https URL")]
    public void Refuses_a_url_whose_host_is_not_on_the_list(string url, string expected) =>
        Assert.Contains(expected, JwksLoaders.CheckUrl(url, ["login.example.org"]), StringComparison.Ordinal);

    [Fact]
    public void Accepts_a_url_whose_host_is_on_the_list() =>
        Assert.Null(JwksLoaders.CheckUrl("https://LOGIN.example.org:8443/keys", ["login.example.org"]));

    private JwksSource Source() => new(
        _ => _failure is { } failure ? Task.FromException<byte[]>(failure) : Task.FromResult(Encoding.UTF8.GetBytes(_document)), _times,
            _time, NullLogger.Instance);

    private TokenVerifier Verifier(JwksSource source) => new([], source, new TokenRules(), _time);
}
