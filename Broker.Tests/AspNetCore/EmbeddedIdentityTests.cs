using System.Net;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using Broker.AspNetCore;
using Broker.Identity.Settings;
using Broker.Identity.Tokens;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace Broker.Tests.AspNetCore;

/// <summary>Tokens and the server API in an application of someone's own.</summary>
public sealed class EmbeddedIdentityTests : IAsyncLifetime
{
    private const string Secret = "a secret of thirty-two characters", Key = "a long random key";

    private readonly CancellationTokenSource _limit = new(HubInKestrel.Limit);
    private WebApplication _app = null!;

    public async Task InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        builder.Services.AddBroker(new() { Reactors = 1 });
        builder.Services.AddBrokerIdentity(new IdentitySettings { Tokens = new TokenSettings { HmacSecret = Secret } });
        _app = builder.Build();
        _app.MapBroker();
        _app.MapBrokerApi(new ApiSettings { Keys = [Key] }, "/hub");
        await _app.StartAsync();
    }

    public async Task DisposeAsync()
    {
        _limit.Dispose();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task A_token_names_the_user_that_the_api_publishes_to_and_revokes()
    {
        using ClientWebSocket client = await ConnectAsync("""{"id":1,"connect":{"token":"TOKEN"}}""", token: null);
        Assert.Contains("\"client\":", await ReadAsync(client), StringComparison.Ordinal);
        await SendAsync(client, """{"id":2,"subscribe":{"channel":"news"}}""");
        Assert.Equal("""{"id":2,"subscribe":{}}""", await ReadAsync(client));

        using var http = new HttpClient { BaseAddress = new Uri(_app.Urls.Single()) };
        using HttpResponseMessage refused = await http.PostAsJsonAsync("/hub/publish", new { channel = "news", data = 1 }, _limit.Token);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        http.DefaultRequestHeaders.Add("X-API-Key", Key);
        using HttpResponseMessage published = await http.PostAsJsonAsync("/hub/publish", new { channel = "news", data = 1 }, _limit.Token);
        Assert.Equal("""{"result":{}}""", await published.Content.ReadAsStringAsync(_limit.Token));
        Assert.Equal("""{"push":{"channel":"news","pub":{"data":1}}}""", await ReadAsync(client));

        using HttpResponseMessage blocked = await http.PostAsJsonAsync("/hub/block_user", new { user = "42" }, _limit.Token);
        Assert.Equal(HttpStatusCode.OK, blocked.StatusCode);
        Assert.Equal("3507", await ReadAsync(client));
    }

    [Fact]
    public async Task A_token_may_come_in_the_authorization_header()
    {
        using ClientWebSocket client = await ConnectAsync("""{"id":1,"connect":{}}""", Token);
        Assert.Contains("\"client\":", await ReadAsync(client), StringComparison.Ordinal);
        using ClientWebSocket forged =
            await ConnectAsync("""{"id":1,"connect":{}}""", TokenWriter.WriteConnection("another", "42", DateTimeOffset.UtcNow, null));
        Assert.Equal("3500", await ReadAsync(forged));
    }

    private static string Token => TokenWriter.WriteConnection(Secret, "42", DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddHours(1));

    private async Task<ClientWebSocket> ConnectAsync(string connect, string? token)
    {
        var client = new ClientWebSocket();
        if (token is not null) client.Options.SetRequestHeader("Authorization", $"Bearer {token}");
        await client.ConnectAsync(new UriBuilder(_app.Urls.Single()) { Scheme = "ws", Path = "/connection/websocket" }.Uri, _limit.Token);
        await SendAsync(client, connect.Replace("TOKEN", Token, StringComparison.Ordinal));
        return client;
    }

    private Task SendAsync(ClientWebSocket client, string text) =>
        client.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, _limit.Token);

    // A message; the code, if the connection is closed; pings are passed over.
    private async Task<string> ReadAsync(ClientWebSocket client)
    {
        byte[] buffer = new byte[4096];
        while (true)
        {
            WebSocketReceiveResult read = await client.ReceiveAsync(buffer, _limit.Token);
            if (read.MessageType == WebSocketMessageType.Close) return $"{(int)read.CloseStatus!.Value}";
            string text = Encoding.UTF8.GetString(buffer, 0, read.Count);
            if (text != "{}") return text;
        }
    }
}
