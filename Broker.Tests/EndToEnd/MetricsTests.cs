using System.Net;
using System.Net.WebSockets;
using Broker.Tests.Support;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.EndToEnd;

/// <summary>What the real host tells the one that collects metrics.</summary>
public sealed class MetricsTests
{
    [Fact]
    public async Task The_actions_of_one_client_are_counted_exactly()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using var http = new HttpClient { BaseAddress = host.HttpUri };
        using ClientWebSocket client = await ConnectAsync(host, limit.Token);

        await client.SendAsync(Hello(), WebSocketMessageType.Binary, true, limit.Token);
        Assert.StartsWith("welcome", Assert.Single(await NextAsync(client, limit.Token)), StringComparison.Ordinal);
        byte[] five = Wire.Join([Ping(1), Ping(2), Ping(3), Publish(4, "nobody", "x"), Subscribe(5, "")]);
        await client.SendAsync(five, WebSocketMessageType.Binary, true, limit.Token);
        var received = new List<string>();
        while (received.Count < 5) received.AddRange(await NextAsync(client, limit.Token));
        Dictionary<string, string> open = await ScrapeAsync(http, limit.Token);
        Assert.Equal(
            ("1", "2", "6", "6"),
                (open["broker_connections"], open["broker_payloads_received_total"], open["broker_messages_received_total"],
                    open["broker_messages_sent_total"]));
        Assert.Equal(
            ("1", "0", "0"), (open["broker_publications_total"], open["broker_deliveries_total"], open["broker_calls_total outcome=ok"]));
        Assert.Equal("1", open["broker_rejects_total cause=bad_request code=107 kind=request"]);
        Assert.DoesNotContain(open.Keys, static key => key.StartsWith("broker_disconnects", StringComparison.Ordinal));

        // A code and a reason of its own: neither becomes a name here.
        await client.CloseAsync((WebSocketCloseStatus)4321, "a reason of mine", limit.Token);
        await Assert.ThrowsAsync<WebSocketException>(() => ConnectAsync(host, limit.Token, path: "/nothing"));
        Dictionary<string, string> closed = await ScrapeAsync(http, limit.Token);

        Assert.Equal("0", closed["broker_connections"]);
        Assert.Equal(["broker_disconnects_total cause=closed_by_client code=other reason=other 1"], Lines(closed, "broker_disconnects"));
        Assert.Equal(
            ["broker_rejects_total cause=bad_request code=107 kind=request 1",
                "broker_rejects_total cause=not_found code=404 kind=handshake 1"],
            Lines(closed, "broker_rejects"));
        Assert.Contains("dotnet_gc_pause_time_seconds_total", closed.Keys);
    }

    [Fact]
    public async Task Server_API_commands_are_counted_by_method_and_outcome()
    {
        await using HostProcess host =
            await HostProcess.StartAsync(new Dictionary<string, string> { ["BROKER_API_KEYS"] = "a long random key" });
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        using var http = new HttpClient { BaseAddress = host.HttpUri };
        http.DefaultRequestHeaders.Add("X-API-Key", "a long random key");
        await AskAsync("api/publish", """{"channel":"news","data":1}""");
        await AskAsync("api/publish", "{}");
        await AskAsync("api/history", """{"channel":"news"}""");
        await AskAsync("api", """{"method":"a word of the caller","params":{}}""");
        await AskAsync("api/batch", """{"commands":[{"publish":{"channel":"news","data":2}}]}""");

        Dictionary<string, string> scraped = await ScrapeAsync(http, limit.Token);

        Assert.Equal(
            [
                "broker_api_commands_total method=batch outcome=ok 1",
                "broker_api_commands_total method=history outcome=108 1",
                "broker_api_commands_total method=publish outcome=107 1",
                "broker_api_commands_total method=publish outcome=ok 2",
                "broker_api_commands_total method=unknown outcome=104 1",
            ],
            Lines(scraped, "broker_api_commands"));
        Assert.Equal("3", scraped["broker_api_duration_seconds_count method=publish"]);
        Assert.Equal("2", scraped["broker_namespace_publications_total namespace=- outcome=sent"]);
        Assert.Equal("0", scraped["broker_history_bytes"]);

        async Task AskAsync(string path, string body)
        {
            using var content = new StringContent(body);
            using HttpResponseMessage answer = await http.PostAsync(new Uri(path, UriKind.Relative), content, limit.Token);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    [Fact]
    public async Task Disabled_metrics_are_not_served()
    {
        await using HostProcess host = await HostProcess.StartAsync(new Dictionary<string, string> { ["BROKER_HTTP_METRICS"] = "off" });
        using var http = new HttpClient { BaseAddress = host.HttpUri };

        using HttpResponseMessage answer = await http.GetAsync(new Uri("metrics", UriKind.Relative));
        using HttpResponseMessage ready = await http.GetAsync(new Uri("ready", UriKind.Relative));

        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.OK), (answer.StatusCode, ready.StatusCode));
    }

    private static async Task<ClientWebSocket> ConnectAsync(HostProcess host, CancellationToken stop, string path = "/ws")
    {
        var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("v3.broker");
        await socket.ConnectAsync(host.UriOf(WayIn.Reactor, path), stop);
        return socket;
    }

    private static async Task<string[]> NextAsync(ClientWebSocket socket, CancellationToken stop)
    {
        byte[] payload = new byte[4096];
        ValueWebSocketReceiveResult got = await socket.ReceiveAsync(payload.AsMemory(), stop);
        Assert.True(got.EndOfMessage);
        return Describe(payload[..got.Count], batched: true);
    }

    // By name and by what stands between the braces, without quotes.
    private static async Task<Dictionary<string, string>> ScrapeAsync(HttpClient http, CancellationToken stop)
    {
        string text = await http.GetStringAsync(new Uri("metrics", UriKind.Relative), stop);
        return text.Split('\n').Where(static line => line.Length > 0 && line[0] != '#').ToDictionary(
            static line => line[..line.LastIndexOf(' ')].Replace("{}", "", StringComparison.Ordinal)
                .Replace('{', ' ').Replace(',', ' ').Replace("\"", "", StringComparison.Ordinal).Replace("}", "", StringComparison.Ordinal),
            static line => line[(line.LastIndexOf(' ') + 1)..]);
    }

    private static string[] Lines(Dictionary<string, string> scraped, string name) =>
        [.. scraped.Where(each => each.Key.StartsWith(name, StringComparison.Ordinal)).Select(static each => $"{each.Key} {each.Value}")
            .Order(StringComparer.Ordinal)];
}
