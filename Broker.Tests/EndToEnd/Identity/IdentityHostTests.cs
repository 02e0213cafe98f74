using System.Text;
using System.Text.Json;
using Broker.Tests.EndToEnd.CommandLine;

namespace Broker.Tests.EndToEnd.Identity;

/// <summary>Tokens, the backend and the server API together, from outside: one real host for all of these tests.</summary>
public sealed class IdentityHostTests(IdentityHost identity) : IClassFixture<IdentityHost>, IDisposable
{
    private readonly CancellationTokenSource _limit = new(2 * HostProcess.Patience);

    public void Dispose() => _limit.Dispose();

    [Fact]
    public async Task A_token_is_verified_by_a_key_from_the_URL()
    {
        using LightClient client = await OpenAsync();
        string answer = await AskAsync(client, $$"""{"id":1,"connect":{"token":"{{identity.Token("""{"sub":"42"}""")}}"} }""");
        Assert.StartsWith("""{"id":1,"connect":{"client":""", answer, StringComparison.Ordinal);

        using LightClient forger = await OpenAsync();
        await forger.SendAsync("""{"id":1,"connect":{"token":"eyJhbGciOiJSUzI1NiIsImtpZCI6IjEifQ.e30.AAAA"}}""", _limit.Token);
        while (await forger.ReadLineAsync(_limit.Token) is not null) { }
        Assert.Equal(3500, forger.CloseCode);
    }

    [Fact]
    public async Task Headers_of_the_connect_command_reach_the_backend()
    {
        using LightClient client = await OpenAsync();
        await AskAsync(client, """{"id":1,"connect":{"headers":{"X-Room":"blue","X-Other":"1"}}}""");

        IReadOnlyDictionary<string, string> headers = identity.Asked("/connect")[^1].Headers;
        Assert.Equal(("blue", false), (headers["X-Room"], headers.ContainsKey("X-Other")));
    }

    [Fact]
    public async Task A_subscription_of_the_backend_is_refreshed_and_then_ends()
    {
        using LightClient client = await OpenAsync();
        await AskAsync(client, """{"id":1,"connect":{}}""");
        Assert.StartsWith(
            """{"id":2,"subscribe":""", await AskAsync(client, """{"id":2,"subscribe":{"channel":"lent:a"}}"""), StringComparison.Ordinal);

        Assert.Equal(
            """{"push":{"channel":"lent:a","unsubscribe":{"code":2501,"reason":"subscription expired"}}}""", await NextAsync(client));
        Assert.Equal(2, identity.Asked("/sub_refresh").Count);
        Assert.Contains("\"user\":\"7\",\"channel\":\"lent:a\"", identity.Asked("/sub_refresh")[0].Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_subscription_of_the_token_recovers_in_the_answer_to_connect()
    {
        string token = identity.Token("""{"sub":"42","subs":{"kept:a":{}}}""");
        string epoch;
        using (LightClient first = await OpenAsync())
        {
            using var answer = JsonDocument.Parse(await AskAsync(first, $$"""{"id":1,"connect":{"token":"{{token}}"} }"""));
            epoch = answer.RootElement.GetProperty("connect").GetProperty("subs").GetProperty("kept:a").GetProperty("epoch").GetString()!;
        }

        await PublishAsync("kept:a", "1");
        await PublishAsync("kept:a", "2");
        using LightClient second = await OpenAsync();
        using var recovered = JsonDocument.Parse(await AskAsync(
            second, $$"""{"id":1,"connect":{"token":"{{token}}","subs":{"kept:a":{"recover":true,"epoch":"{{epoch}}","offset":1} } } }"""));

        JsonElement subscription = recovered.RootElement.GetProperty("connect").GetProperty("subs").GetProperty("kept:a");
        Assert.True(subscription.GetProperty("recovered").GetBoolean());
        Assert.Equal("2", Assert.Single(subscription.GetProperty("publications").EnumerateArray()).GetProperty("data").GetRawText());
    }

    [Fact]
    public async Task The_commands_ask_by_the_server_API()
    {
        using LightClient client = await OpenAsync();
        using var answer =
            JsonDocument.Parse(await AskAsync(client, $$"""{"id":1,"connect":{"token":"{{identity.Token("""{"sub":"9"}""")}}"} }"""));
        string id = answer.RootElement.GetProperty("connect").GetProperty("client").GetString()!;
        await PublishAsync("kept:b", "1");

        (int code, string output, string error) =
            await BrokerProgram.RunAsync(
                null, null, "explain", "--client", id, "--channel", "kept:b", "--offset", "1", "--api-url", identity.Api.ToString(),
                    "--api-key", IdentityHost.ApiKey);
        Assert.Equal(
            (0, "not_subscribed: The client is connected, but has not subscribed to kept:b, as far as is remembered.\n", ""),
                (code, output, error));

        (code, output, error) =
            await BrokerProgram.RunAsync(null, null, "history", "kept:b", "--api-url", identity.Api.ToString(), "--api-key", "wrong");
        Assert.Equal((1, ""), (code, output));
        Assert.Equal($"broker: {identity.Api}/history answers 401: the API key is not one of broker.api.keys\n", error);
    }

    private async Task<LightClient> OpenAsync()
    {
        var client = new LightClient();
        await client.OpenAsync(identity.Host.Port, _limit.Token);
        return client;
    }

    private async Task<string> AskAsync(LightClient client, string command)
    {
        await client.SendAsync(command, _limit.Token);
        return await NextAsync(client);
    }

    private async Task<string> NextAsync(LightClient client) =>
        await client.ReadLineAsync(_limit.Token) is { } line ? Encoding.UTF8.GetString(line.Span)
            : throw new InvalidOperationException($"The hub has closed: {client.CloseCode} {client.CloseReason}");

    private async Task PublishAsync(string channel, string json)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Add("X-API-Key", IdentityHost.ApiKey);
        using HttpResponseMessage response =
            await http.PostAsync(
                new Uri($"{identity.Api}/publish"), new StringContent($$"""{"channel":"{{channel}}","data":{{json}} }"""), _limit.Token);
        Assert.Contains("\"result\"", await response.Content.ReadAsStringAsync(_limit.Token), StringComparison.Ordinal);
    }
}
