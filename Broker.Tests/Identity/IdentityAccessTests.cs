using System.Net;
using System.Text;
using Broker.Actors.Access;
using Broker.Actors.Model;
using Broker.Identity.Access;
using Broker.Identity.Revocation;
using Broker.Identity.Settings;
using Broker.Identity.Tokens;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using static Broker.Tests.Identity.TestTokens;

namespace Broker.Tests.Identity;

/// <summary>What tokens and revocations decide, and which error or close each failure gives.</summary>
public sealed class IdentityAccessTests : IDisposable
{
    private static readonly long s_now = Now.ToUnixTimeSeconds();

    private readonly FakeTimeProvider _time = new(Now);
    private readonly Policies _policies = new();
    private readonly CancellationTokenSource _gone = new();
    private readonly List<(string User, string Client, DisconnectReason Reason)> _disconnected = [];
    private IdentityAccess _access;

    public IdentityAccessTests() => _access = Open(new IdentitySettings { Tokens = new TokenSettings { HmacSecret = Secret } });

    public void Dispose()
    {
        _access.Dispose();
        _gone.Dispose();
    }

    [Fact]
    public void A_token_names_the_user_and_when_the_connection_ends()
    {
        AuthenticationResult result = Connect($$"""{"info":{"name":"Ada"},"sub":"42","exp":{{s_now + 60}}}""");
        Assert.Equal(("42", Now.AddMinutes(1), true), (result.User, result.ExpiresAt, result.ClientRefreshes));
        Assert.Equal("""{"name":"Ada"}""", Encoding.UTF8.GetString(result.ConnectionInfo.Span));
    }

    [Fact]
    public void Each_failure_of_a_connect_has_its_code()
    {
        Assert.Equal(HubError.TokenExpired, Connect($$"""{"sub":"42","exp":{{s_now - 60}}}""").Error);
        Assert.Equal(HubError.TokenExpired, Connect($$"""{"sub":"42","nbf":{{s_now + 60}}}""").Error);
        Assert.Equal(DisconnectReason.InvalidToken, Connect("""{"sub":"42","channel":"news"}""").Disconnect);
        Assert.Equal(DisconnectReason.InvalidToken, ConnectWith("nonsense").Disconnect);
        Assert.Equal(DisconnectReason.InvalidToken, ConnectWith(Hmac("""{"sub":"42"}""", secret: "another")).Disconnect);
        Assert.Equal(HubError.UnknownChannel, Connect("""{"sub":"42","channels":["unknown:a"]}""").Error);
        Assert.Equal(DisconnectReason.ChannelLimit, Connect("""{"sub":"42","channels":["a","b","c","d","e"]}""").Disconnect);
    }

    [Fact]
    public void Without_a_token_the_rules_decide()
    {
        Assert.Equal("rules", ConnectWith("").User);
        Assert.Equal(
            DisconnectReason.InvalidToken,
                Open(new IdentitySettings()).AuthenticateAsync(RequestWith(Hmac("{}")), default).AtOnce().Disconnect);
    }

    [Fact]
    public void A_token_may_come_in_the_upgrade_request()
    {
        string token = Hmac("""{"sub":"42"}""");
        AuthenticationRequest request = RequestWith("");
        Assert.Equal(
            "42", _access.AuthenticateAsync(
                request with { UpgradeHeaders = new Dictionary<string, string> { ["authorization"] = $"bearer {token}" } }, default)
                    .AtOnce().User);
        Assert.Equal("42", _access.AuthenticateAsync(request with { Target = $"/ws?a=1&token={token}" }, default).AtOnce().User);
    }

    [Fact]
    public void A_token_subscribes_and_so_does_the_personal_channel()
    {
        _access = Open(new IdentitySettings
        {
            Tokens = new TokenSettings { HmacSecret = Secret },
            PersonalChannel = new PersonalChannelSettings { Enabled = true, Namespace = "my" },
        });
        AuthenticationResult result = Connect("""{"sub":"42","subs":{"news":{"data":{"a":1},"override":{"presence":{"value":true}}}}}""");
        Assert.Equal(["news", "my:#42"], result.Subscriptions.Select(each => each.Channel));
        Assert.Equal(("""{"a":1}""", true), (Encoding.UTF8.GetString(result.Subscriptions[0].Data.Span), result.Subscriptions[0].Presence));
        Assert.Empty(Connect("""{"sub":""}""").Subscriptions);
    }

    [Fact]
    public void A_subscription_token_opens_its_channel_to_its_user()
    {
        Principal principal = PrincipalOf("42");
        AuthorizationResult allowed =
            Subscribe(principal, "private", $$"""{"sub":"42","channel":"private","exp":{{s_now + 60}},"info":1}""");
        Assert.Equal(Now.AddMinutes(1), allowed.Terms!.ExpiresAt);
        Assert.Equal("1", Encoding.UTF8.GetString(allowed.Terms.ChannelInfo.Span));
        Assert.Equal(HubError.PermissionDenied, SubscribeWith(principal, "private", "").Error);
    }

    [Fact]
    public void What_only_the_backend_could_allow_is_denied_to_a_wish_of_a_connect()
    {
        _access = Open(
            new IdentitySettings { Tokens = new TokenSettings { HmacSecret = Secret },
                Proxy = new ProxySettings { Subscribe = new Uri("http://127.0.0.1:1/") } });
        var request = new AuthorizationRequest(HubAction.Subscribe, "news", PrincipalOf("42")) { IsOfConnect = true };

        Assert.Equal(HubError.PermissionDenied, _access.AuthorizeAsync(request, default).AtOnce().Error);
        Assert.True(_access.AuthorizeAsync(request with { Subject = "room#42" }, default).AtOnce().IsAllowed);
    }

    [Fact]
    public void Each_failure_of_a_subscription_token_has_its_code()
    {
        Principal principal = PrincipalOf("42");
        Assert.Equal(HubError.TokenExpired, Subscribe(principal, "news", $$"""{"sub":"42","channel":"news","exp":{{s_now - 60}}}""").Error);
        Assert.Equal(HubError.PermissionDenied, SubscribeWith(principal, "news", "nonsense").Error);
        Assert.Equal(
            HubError.PermissionDenied,
                SubscribeWith(principal, "news", Hmac("""{"sub":"42","channel":"news"}""", secret: "another")).Error);
        Assert.Equal(DisconnectReason.InvalidToken, Subscribe(principal, "news", """{"sub":"42","channel":"other"}""").Disconnect);
        Assert.Equal(DisconnectReason.InvalidToken, Subscribe(principal, "news", """{"sub":"43","channel":"news"}""").Disconnect);
        Assert.Equal(
            DisconnectReason.InvalidToken, Subscribe(principal, "news", """{"sub":"42","channel":"news","client":"c2"}""").Disconnect);
        Assert.Equal(DisconnectReason.InvalidToken, Subscribe(principal, "news", """{"sub":"42"}""").Disconnect);
        Assert.Equal(HubError.UnknownChannel, Subscribe(principal, "unknown:a", """{"sub":"42","channel":"unknown:a"}""").Error);
    }

    [Fact]
    public void A_refresh_extends_the_connection()
    {
        RefreshResult result = Refresh(PrincipalOf("42"), null, $$"""{"sub":"42","exp":{{s_now + 120}}}""");
        Assert.Equal((Now.AddMinutes(2), null, null), (result.ExpiresAt, result.Error, result.Disconnect));
    }

    [Fact]
    public void Each_failure_of_a_refresh_has_its_code()
    {
        Principal principal = PrincipalOf("42");
        Assert.Equal(DisconnectReason.Expired, Refresh(principal, null, $$"""{"sub":"42","exp":{{s_now - 60}}}""").Disconnect);
        Assert.Equal(DisconnectReason.InvalidToken, Refresh(principal, null, """{"sub":"43"}""").Disconnect);
        Assert.Equal(DisconnectReason.InvalidToken, Refresh(principal, null, """{"sub":"42","channel":"news"}""").Disconnect);
        Assert.Equal(DisconnectReason.InsufficientState, Refresh(principal, null, """{"sub":"42","channels":["news"]}""").Disconnect);
        Assert.Equal(
            DisconnectReason.SubscriptionExpired,
                Refresh(principal, "news", $$"""{"sub":"42","channel":"news","exp":{{s_now - 60}}}""").Disconnect);
        Assert.Equal(DisconnectReason.InvalidToken, Refresh(principal, "news", """{"sub":"42","channel":"other"}""").Disconnect);
    }

    [Fact]
    public void Refuses_one_connection_of_a_user_too_many()
    {
        _access = Open(new IdentitySettings { Tokens = new TokenSettings { HmacSecret = Secret }, UserConnectionsMax = 2 });
        Assert.Null(Connect("""{"sub":"42"}""").Disconnect);
        Assert.Null(Connect("""{"sub":"42"}""").Disconnect);
        Assert.Equal(DisconnectReason.ConnectionLimit, Connect("""{"sub":"42"}""").Disconnect);
        Assert.Null(Connect("""{"sub":"43"}""").Disconnect);
        Assert.Null(Connect("""{}""").Disconnect);
        _gone.Cancel();
        Assert.Equal(0, _access.Connections.Users);
    }

    [Fact]
    public void A_new_connection_ends_the_users_older_ones()
    {
        _access = Open(new IdentitySettings
        {
            Tokens = new TokenSettings { HmacSecret = Secret },
            PersonalChannel = new PersonalChannelSettings { Enabled = true, SingleConnection = true },
        });
        Connect("""{"sub":"42"}""", client: "c1");
        Connect("""{"sub":"43"}""", client: "c2");
        Connect("""{"sub":"42"}""", client: "c3");
        Assert.Equal([("42", "c1", DisconnectReason.ConnectionLimit)], _disconnected);
    }

    [Fact]
    public void A_revoked_token_ends_its_connections_and_comes_in_no_more()
    {
        Connect("""{"sub":"42","jti":"t1"}""", client: "c1");
        Connect("""{"sub":"42","jti":"t2"}""", client: "c2");
        _access.Revocations.Add(new Revoked(RevokedKind.Token, "t1"));
        Assert.Equal([("42", "c1", DisconnectReason.InvalidToken)], _disconnected);
        Assert.Equal(DisconnectReason.InvalidToken, Connect("""{"sub":"42","jti":"t1"}""").Disconnect);
        Assert.Null(Connect("""{"sub":"42","jti":"t2"}""").Disconnect);
        Assert.Equal(DisconnectReason.InvalidToken, Refresh(PrincipalOf("42"), null, """{"sub":"42","jti":"t1"}""").Disconnect);
        Assert.Equal(HubError.PermissionDenied, Subscribe(PrincipalOf("42"), "news", """{"sub":"42","jti":"t1","channel":"news"}""").Error);
    }

    [Fact]
    public void A_blocked_user_and_older_tokens_are_ended()
    {
        Connect($$"""{"sub":"42","iat":{{s_now - 10}}}""", client: "c1");
        Connect($$"""{"sub":"42","iat":{{s_now}}}""", client: "c2");
        Connect("""{"sub":"43"}""", client: "c3");
        _access.Revocations.Add(new Revoked(RevokedKind.UserTokens, "42") { IssuedBefore = Now });
        _access.Revocations.Add(new Revoked(RevokedKind.User, "43"));
        Assert.Equal([("42", "c1", DisconnectReason.InvalidToken), ("43", "c3", DisconnectReason.PermissionDenied)], _disconnected);
    }

    [Fact]
    public void A_local_key_is_answered_at_once() =>
        Assert.Equal("42", _access.AuthenticateAsync(RequestWith(Hmac("""{"sub":"42"}""")), default).AtOnce().User);

    private IdentityAccess Open(IdentitySettings settings)
    {
        var access = new IdentityAccess(settings, new Rules(), _policies, _time, NullLogger.Instance);
        access.Attach((user, client, reason) =>
        {
            _disconnected.Add((user, client, reason));
            return Task.CompletedTask;
        });
        return access;
    }

    private AuthenticationResult Connect(string claims, string client = "c") =>
        _access.AuthenticateAsync(RequestWith(Hmac(claims), client), _gone.Token).AtOnce();

    private AuthenticationResult ConnectWith(string token) => _access.AuthenticateAsync(RequestWith(token), _gone.Token).AtOnce();

    private Principal PrincipalOf(string user) => new(user, "c") { State = Connect($$"""{"sub":"{{user}}"}""").State };

    private AuthorizationResult Subscribe(Principal principal, string channel, string claims) =>
        SubscribeWith(principal, channel, Hmac(claims));

    private AuthorizationResult SubscribeWith(Principal principal, string channel, string token) =>
        _access.AuthorizeAsync(
            new AuthorizationRequest(HubAction.Subscribe, channel, principal) { Token = Encoding.UTF8.GetBytes(token) }, default).AtOnce();

    private RefreshResult Refresh(Principal principal, string? channel, string claims) =>
        _access.RefreshAsync(new RefreshRequest(principal, Encoding.UTF8.GetBytes(Hmac(claims))) { Channel = channel }, default).AtOnce();

    private static AuthenticationRequest RequestWith(string token, string client = "c") =>
        new() { Dialect = "centrifuge", Client = client, Remote = new IPEndPoint(IPAddress.Loopback, 1),
            Token = Encoding.UTF8.GetBytes(token) };

    private sealed class Rules : IHubAccess
    {
        public ValueTask<AuthenticationResult> AuthenticateAsync(AuthenticationRequest request, CancellationToken cancellationToken) =>
            new(AuthenticationResult.Admit("rules"));

        public ValueTask<AuthorizationResult> AuthorizeAsync(AuthorizationRequest request, CancellationToken cancellationToken) =>
            new(request.Subject == "private" ? AuthorizationResult.Reject(HubError.PermissionDenied) : AuthorizationResult.Allowed);
    }

    private sealed class Policies : IChannelPolicies
    {
        public int ChannelsMax => 4;

        public HubError? Check(string channel) => channel.StartsWith("unknown:", StringComparison.Ordinal) ? HubError.UnknownChannel : null;

        public bool IsUserLimited(string channel) => channel.Contains('#', StringComparison.Ordinal);

        public bool UsesSubscribeProxy(string channel) => true;

        public bool UsesPublishProxy(string channel) => true;
    }
}
