using Broker.Identity.Settings;
using System.Text;
using Broker.Identity.Tokens;
using static Broker.Tests.Identity.TestTokens;

namespace Broker.Tests.Identity;

/// <summary>What the claims of a token mean.</summary>
public sealed class TokenClaimsTests
{
    [Fact]
    public void Reads_every_claim_of_a_connection_token()
    {
        TokenClaims claims = Read("""
            {"sub":"42","jti":"t1","iss":"login","aud":["hub","other"],"iat":1893456000,"nbf":1893456000,"exp":1893459600,
             "info":{"name":"Ada"},"meta":{"role":"admin"},"unknown":[1,{"a":2}],
             "subs":{"news":{"data":{"a":1},"info":"x","override":{"presence":{"value":true},"force_recovery":{"value":false}}},"chat":{}}}
            """);
        Assert.Equal(("42", "t1", "login"), (claims.User, claims.TokenId, claims.Issuer));
        Assert.Equal(["hub", "other"], claims.Audience);
        Assert.Equal((Now, Now, Now.AddHours(1)), (claims.IssuedAt, claims.NotBefore, claims.ExpiresAt));
        Assert.Equal(("""{"name":"Ada"}""", """{"role":"admin"}"""), (Text(claims.Info), Text(claims.Meta)));
        Assert.Equal(["news", "chat"], claims.Subscriptions.Select(each => each.Channel));
        TokenSubscription news = claims.Subscriptions[0];
        Assert.Equal(("""{"a":1}""", "\"x\""), (Text(news.Data), Text(news.Info)));
        Assert.Equal(new SubscriptionOverride(true, null, false, null, null), news.Override);
        Assert.Null(claims.Channel);
    }

    [Fact]
    public void Reads_every_claim_of_a_subscription_token()
    {
        TokenClaims claims =
            Read("""{"sub":"42","channel":"news","client":"c1","info":1,"data":[2],"override":{"join_leave":{"value":true}},"expire_at":1893456060}""");
        Assert.Equal(("news", "c1"), (claims.Channel, claims.Client));
        Assert.Equal(("1", "[2]"), (Text(claims.Subscription.Info), Text(claims.Subscription.Data)));
        Assert.Equal(new SubscriptionOverride(null, true, null, null, null), claims.Subscription.Override);
        Assert.Equal(Now.AddMinutes(1), claims.GrantEndsAt);
    }

    [Fact]
    public void Bytes_in_base64_stand_over_json()
    {
        TokenClaims claims = Read("""{"info":{"a":1},"b64info":"AQI=","subs":{"news":{"data":1,"b64data":"Aw=="}}}""");
        Assert.Equal([1, 2], claims.Info.ToArray());
        Assert.Equal([3], claims.Subscriptions[0].Data.ToArray());
    }

    [Fact]
    public void Channels_count_where_subs_has_none()
    {
        Assert.Equal(["a", "b"], Read("""{"channels":["a","b"]}""").Subscriptions.Select(each => each.Channel));
        Assert.Equal(["a"], Read("""{"channels":["a"],"subs":{}}""").Subscriptions.Select(each => each.Channel));
        Assert.Equal(["c"], Read("""{"channels":["a"],"subs":{"c":{}}}""").Subscriptions.Select(each => each.Channel));
    }

    [Fact]
    public void Expire_at_stands_over_exp_and_zero_is_never()
    {
        Assert.Equal(Now.AddHours(1), Read("""{"exp":1893459600}""").GrantEndsAt);
        Assert.Equal(Now.AddMinutes(1), Read("""{"exp":1893459600,"expire_at":1893456060}""").GrantEndsAt);
        Assert.Null(Read("""{"exp":1893459600,"expire_at":0}""").GrantEndsAt);
        Assert.Null(Read("{}").GrantEndsAt);
    }

    [Fact]
    public void Takes_the_user_from_the_claim_that_is_set()
    {
        var rules = new TokenRules { UserIdClaim = "uid" };
        Assert.Equal("7", Verifier(rules).VerifyAsync(Hmac("""{"sub":"42","uid":"7"}""")).AtOnce().Claims!.User);
        Assert.Equal("", Verifier(rules).VerifyAsync(Hmac("""{"sub":"42"}""")).AtOnce().Claims!.User);
    }

    [Fact]
    public void Takes_null_as_absent_and_fractions_of_seconds()
    {
        TokenClaims claims = Read("""{"sub":null,"exp":null,"info":null,"subs":null,"channels":null,"aud":null,"iat":1893456000.5}""");
        Assert.Equal("", claims.User);
        Assert.Null(claims.GrantEndsAt);
        Assert.True(claims.Info.IsEmpty);
        Assert.Empty(claims.Subscriptions);
        Assert.Equal(Now.AddSeconds(0.5), claims.IssuedAt);
    }

    private static TokenClaims Read(string claims)
    {
        TokenResult result = Verifier().VerifyAsync(Hmac(claims)).AtOnce();
        Assert.Equal("", result.Reason);
        return result.Claims!;
    }

    private static string Text(ReadOnlyMemory<byte> bytes) => Encoding.UTF8.GetString(bytes.Span);
}
