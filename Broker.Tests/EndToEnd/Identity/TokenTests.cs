using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Broker.Client;
using Broker.Identity.Tokens;
using Broker.Tests.Identity;

namespace Broker.Tests.EndToEnd.Identity;

/// <summary>Tokens from outside: the real host, and the official client that asks its application for tokens.</summary>
public sealed class TokenTests : IClassFixture<TokenHost>, IDisposable
{
    private const string Secret = TokenHost.Secret;

    private readonly CancellationTokenSource _limit = new(2 * HostProcess.Patience);
    private readonly HttpClient _http = new();
    private readonly HostProcess _host;

    public TokenTests(TokenHost shared)
    {
        _host = shared.Process;
        _http.DefaultRequestHeaders.Add("X-API-Key", TokenHost.ApiKey);
    }

    public void Dispose()
    {
        _limit.Dispose();
        _http.Dispose();
    }

    [Fact]
    public async Task A_token_connects_and_subscribes_by_itself()
    {
        await using ClientScript client = Start([Sign($$$$"""{"subs":{"news":{"data":{"a":1}}},"sub":"42","exp":{{{{In(3600)}}}}}""")]);
        await ExpectAsync(client, """{"saw":"asked for a connection token"}""");
        await ExpectAllAsync(
            client,
            """{"saw":"connected"}""",
            """{"saw":"subscribed by the server","channel":"news","data":{"a":1}}""",
            """{"saw":"subscribed by the server","channel":"#42"}""");
        await ApiAsync("publish", new { channel = "news", data = "one" });
        await ExpectAsync(client, """{"saw":"received by the server","channel":"news","data":"one"}""");
        await ApiAsync("publish", new { channel = "#42", data = "two" });
        await ExpectAsync(client, """{"saw":"received by the server","channel":"#42","data":"two"}""");
    }

    [Fact]
    public async Task An_expired_token_makes_the_client_ask_for_another()
    {
        await using ClientScript client = Start([Connection("42", -60), Connection("42", 3600)]);
        await ExpectAsync(
            client,
            """{"saw":"asked for a connection token"}""",
            """{"saw":"error","code":109}""",
            """{"saw":"asked for a connection token"}""",
            """{"saw":"connected"}""");
    }

    [Fact]
    public async Task A_forged_token_ends_for_good()
    {
        await using ClientScript client = Start([TokenWriter.WriteConnection("another", "42", DateTimeOffset.UtcNow, null)]);
        await ExpectAsync(
            client, """{"saw":"asked for a connection token"}""", """{"saw":"disconnected","code":3500,"reason":"invalid token"}""");
    }

    [Fact]
    public async Task A_client_without_a_token_may_not_connect()
    {
        await using ClientScript client = Start([]);
        await ExpectAsync(
            client, """{"saw":"asked for a connection token"}""", """{"saw":"disconnected","code":1,"reason":"unauthorized"}""");
    }

    [Fact]
    public async Task A_connection_lives_on_by_a_new_token()
    {
        await using ClientScript client = Start([Connection("42", 15), Connection("42", 3600)]);
        await ExpectAsync(client, """{"saw":"asked for a connection token"}""");
        await ExpectAllAsync(
            client,
            """{"saw":"connected"}""",
            """{"saw":"subscribed by the server","channel":"#42"}""",
            """{"saw":"asked for a connection token"}""");
        await ApiAsync("publish", new { channel = "#42", data = 1 });
        await ExpectAsync(client, """{"saw":"received by the server","channel":"#42","data":1}""");
    }

    [Fact]
    public async Task A_subscription_token_opens_a_channel()
    {
        string token = Sign($$"""{"data":{"b":2},"sub":"42","channel":"private","exp":{{In(3600)}}}""");
        await using ClientScript client =
            Start([Connection("42", 3600)], "private",
                [TokenWriter.WriteSubscription(Secret, "42", "private", DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddMinutes(-1)),
                    token]);
        await ExpectAllAsync(
            client,
            """{"saw":"asked for a connection token"}""",
            """{"saw":"asked for a subscription token"}""",
            """{"saw":"connected"}""",
            """{"saw":"subscribed by the server","channel":"#42"}""",
            """{"saw":"subscription error","code":109}""",
            """{"saw":"asked for a subscription token"}""",
            """{"saw":"subscribed","data":{"b":2}}""");
    }

    [Fact]
    public async Task A_subscription_without_a_token_is_refused()
    {
        await using ClientScript client = Start([Connection("42", 3600)], "private", ["nonsense"]);
        await ExpectAllAsync(
            client,
            """{"saw":"asked for a connection token"}""",
            """{"saw":"asked for a subscription token"}""",
            """{"saw":"connected"}""",
            """{"saw":"subscribed by the server","channel":"#42"}""",
            """{"saw":"unsubscribed","code":103,"reason":"permission denied"}""");
    }

    [Fact]
    public async Task A_revoked_token_ends_its_connection_and_comes_in_no_more()
    {
        string token = Sign($$"""{"sub":"42","jti":"t1","exp":{{In(3600)}}}""");
        await using ClientScript client = Start([token]);
        await ExpectAsync(client, """{"saw":"asked for a connection token"}""");
        await ExpectAllAsync(client, """{"saw":"connected"}""", """{"saw":"subscribed by the server","channel":"#42"}""");
        await ApiAsync("revoke_token", new { uid = "t1" });
        await ExpectAsync(client, """{"saw":"disconnected","code":3500,"reason":"invalid token"}""");

        await using ClientScript again = Start([token]);
        await ExpectAsync(
            again, """{"saw":"asked for a connection token"}""", """{"saw":"disconnected","code":3500,"reason":"invalid token"}""");
    }

    [Fact]
    public async Task A_native_client_shows_its_token_in_its_hello()
    {
        await using BrokerClient client =
            await BrokerClient.ConnectAsync(
                new BrokerClientOptions { Url = _host.NativeUri, Token = Encoding.UTF8.GetBytes(Connection("42", 3600)) }, _limit.Token);

        // Those of the tests before are gone in a moment.
        while (!(await InfoAsync()).Contains("\"num_clients\":1,\"num_users\":1", StringComparison.Ordinal)) await Task.Yield();

        byte[] forged = Encoding.UTF8.GetBytes(TokenWriter.WriteConnection("another", "42", DateTimeOffset.UtcNow, null));
        ConnectionLostException refused = await Assert.ThrowsAsync<ConnectionLostException>(
            () => BrokerClient.ConnectAsync(new BrokerClientOptions { Url = _host.NativeUri, Token = forged }, _limit.Token));
        Assert.Equal(3500, (int)refused.CloseInfo.Code);
    }

    private ClientScript Start(string[] tokens, string channel = "", string[]? subscriptionTokens = null) => ClientScript.Start(
        "node",
        "tokens.js",
        new Dictionary<string,
            string> { ["TOKENS"] = JsonSerializer.Serialize(tokens),
                ["SUBSCRIPTION_TOKENS"] = JsonSerializer.Serialize(subscriptionTokens ?? []) },
        _host.WebSocketUri.ToString(),
        channel);

    private async Task<string> InfoAsync()
    {
        using HttpResponseMessage info = await _http.PostAsJsonAsync(new Uri(_host.HttpUri, "api/info"), new { }, _limit.Token);
        return await info.Content.ReadAsStringAsync(_limit.Token);
    }

    private async Task ApiAsync(string method, object request)
    {
        using HttpResponseMessage answer = await _http.PostAsJsonAsync(new Uri(_host.HttpUri, $"api/{method}"), request, _limit.Token);
        string body = await answer.Content.ReadAsStringAsync(_limit.Token);
        Assert.StartsWith("{\"result\":", body, StringComparison.Ordinal);
    }

    private async Task ExpectAsync(ClientScript client, params string[] observations)
    {
        foreach (string expected in observations) Assert.Equal(expected, await client.NextAsync(_limit.Token));
    }

    // In whatever order they come.
    private async Task ExpectAllAsync(ClientScript client, params string[] observations)
    {
        List<string> seen = [];
        for (int i = 0; i < observations.Length; i++) seen.Add(await client.NextAsync(_limit.Token));
        Assert.Equal(observations.Order(), seen.Order());
    }

    private static string Sign(string claims) => TestTokens.Hmac(claims, Secret);

    private static string Connection(string user, int seconds) =>
        TokenWriter.WriteConnection(Secret, user, DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddSeconds(seconds));

    private static long In(int seconds) => DateTimeOffset.UtcNow.AddSeconds(seconds).ToUnixTimeSeconds();
}
