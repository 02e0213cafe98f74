using System.Security.Cryptography;
using Broker.Identity.Settings;
using Broker.Actors.Settings;
using Broker.Configuration;

namespace Broker.Tests.Identity;

/// <summary>Which settings of tokens, key sets and the backend are taken, and what the others are told.</summary>
public sealed class IdentitySettingsTests
{
    [Fact]
    public void Defaults_accept_no_token_and_ask_no_backend()
    {
        IdentitySettings settings = Read("");
        Assert.False(settings.Tokens.IsEnabled);
        Assert.Null(settings.SubscriptionTokens);
        Assert.Empty(settings.Proxy.Endpoints);
        Assert.Equal(new IdentitySettings().Tokens.Rules with { Skew = TimeSpan.FromSeconds(5) }, settings.Tokens.Rules);
    }

    [Fact]
    public void Reads_keys_and_rules()
    {
        IdentitySettings settings =
            Read("""broker.tokens { hmac-secret = "s", issuer = "login", audience = "hub", user-id-claim = uid, skew = 1s }""");
        Assert.True(settings.Tokens.IsEnabled);
        Assert.Equal(
            ("login", "hub", "uid", TimeSpan.FromSeconds(1)),
                (settings.Tokens.Rules.Issuer, settings.Tokens.Rules.Audience, settings.Tokens.Rules.UserIdClaim,
                    settings.Tokens.Rules.Skew));
        Assert.Contains("can be guessed", Assert.Single(IdentitySettingsBinder.Warn(settings)), StringComparison.Ordinal);
    }

    [Fact]
    public void Reads_a_key_from_a_file()
    {
        string path = Path.GetTempFileName();
        try
        {
            using var rsa = RSA.Create(2048);
            File.WriteAllText(path, rsa.ExportSubjectPublicKeyInfoPem());
            Assert.True(Read($"broker.tokens.rsa-public-key = \"{path}\"").Tokens.IsEnabled);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("""broker.tokens.hmac-previous-secret = "a" """,
        "broker.tokens.hmac-secret is nothing, expected a secret, because broker.tokens.hmac-previous-secret is set")]
    [InlineData("""broker.tokens { hmac-secret = "a", jwks { url = "https://a.example/keys", hosts = ["a.example"] } }""",
        "keys come from a key set or from the settings")]
    [InlineData("""broker.tokens.jwks { url = "https://b.example/keys", hosts = ["a.example"] }""",
        "expected a URL whose host is on broker.tokens.jwks.hosts (a.example)")]
    [InlineData("""broker.tokens.jwks.url = "https://b.example/keys" """,
        "expected a URL whose host is on broker.tokens.jwks.hosts (which is empty)")]
    [InlineData("""broker.tokens.jwks.hosts = ["a.example"]""", "expected nothing, because broker.tokens.jwks.url is not set")]
    [InlineData("""broker.tokens.jwks.file = "/nowhere/keys.json" """, "expected a key that can be read, but the file cannot be read")]
    [InlineData("""broker.tokens.rsa-public-key = "/nowhere/key.pem" """,
        "expected a key that can be read, but it is neither PEM nor the path of a file")]
    [InlineData("""broker.tokens.user-id-claim = "a-b" """, "expected a name of letters and underscores")]
    [InlineData("""broker.tokens.hmac-secret = "-----BEGIN PUBLIC KEY-----" """, "expected a secret, and not a key in PEM")]
    [InlineData("""broker.tokens.hmac-secrt = "a" """, "did you mean broker.tokens.hmac-secret?")]
    [InlineData("""broker.subscription-tokens.hmac-secret = "a" """, "broker.subscription-tokens.separate is off, expected on")]
    [InlineData("broker.subscription-tokens.separate = on", "broker.subscription-tokens.separate is on, expected off")]
    [InlineData("""broker.proxy.connect = "ftp://a/b" """, "expected nothing, or an http or https URL")]
    [InlineData("""broker.proxy.headers = ["Content-Length"]""", "a list of names of headers, none of which HTTP itself needs")]
    [InlineData("""broker.proxy.static-headers = ["Authorization"]""", "a list of headers with a name and a value each")]
    [InlineData("""broker.proxy.refresh = "http://a/b" """, "because broker.proxy.connect is not set")]
    public void Refuses_what_contradicts_itself(string config, string expected) =>
        Assert.Contains(expected, Assert.Throws<SettingException>(() => Read(config)).Message, StringComparison.Ordinal);

    [Fact]
    public void Reads_the_backend()
    {
        ProxySettings proxy =
            Read("""broker.proxy { connect = "http://127.0.0.1:3000/connect", headers = ["Cookie"], static-headers = ["Authorization: Bearer a:b"], timeout = 2s }""").Proxy;
        Assert.Equal("http://127.0.0.1:3000/connect", Assert.Single(proxy.Endpoints).ToString());
        Assert.Equal(KeyValuePair.Create("Authorization", "Bearer a:b"), Assert.Single(proxy.StaticHeaders));
        Assert.Equal(TimeSpan.FromSeconds(2), proxy.Timeout);
    }

    private static IdentitySettings Read(string config)
    {
        var reader =
            new SettingsReader(
                new SettingsLayers([HubReference.Layer, IdentitySettingsBinder.Reference], [SettingsLayer.Parse("test.conf", config)]));
        IdentitySettings settings = IdentitySettingsBinder.Read(reader);
        reader.ThrowIfBad();
        return settings;
    }
}
