using System.Text.Json;
using Broker.Tests.Identity;

namespace Broker.Tests.EndToEnd.Identity;

/// <summary>The backend proxy from outside: the real host, a small backend in this process, and the official client.</summary>
public sealed class BackendTests : IAsyncLifetime
{
    private readonly CancellationTokenSource _limit = new(2 * HostProcess.Patience);
    private readonly TestBackend _backend = new();
    private readonly string _config = Path.GetTempFileName();
    private HostProcess _host = null!;

    public async Task InitializeAsync()
    {
        await _backend.StartAsync();
        await File.WriteAllTextAsync(_config, $$"""
            broker {
              centrifuge.anonymous = off
              channels { subscribe = none, publish = none, subscribe-proxy = on, publish-proxy = on }
              proxy {
                connect = "http://127.0.0.1:{{_backend.Port}}/connect"
                refresh = "http://127.0.0.1:{{_backend.Port}}/refresh"
                subscribe = "http://127.0.0.1:{{_backend.Port}}/subscribe"
                publish = "http://127.0.0.1:{{_backend.Port}}/publish"
                rpc = "http://127.0.0.1:{{_backend.Port}}/rpc"
                headers = ["X-Room"]
                timeout = 60s
                circuit.failures = 2
              }
            }
            """);
        _host = await HostProcess.StartAsync(null, "--config", _config);
    }

    public async Task DisposeAsync()
    {
        _limit.Dispose();
        File.Delete(_config);
        await _host.DisposeAsync();
        await _backend.DisposeAsync();
    }

    [Fact]
    public async Task The_backend_decides_about_every_event()
    {
        var seen = new List<string>();
        _backend.AnswerTo = (path, body) =>
        {
            using var request = JsonDocument.Parse(body);
            lock (seen)
                seen.Add($"{path} {request.RootElement.GetProperty("data").GetRawText()} "
                    + $"{(request.RootElement.TryGetProperty("user", out JsonElement user) ? user.GetString() : "")}");
            return path switch
            {
                "/connect" => """{"result":{"user":"42","data":{"hello":1}}}""",
                "/subscribe" when request.RootElement.GetProperty("channel").GetString() == "secret" =>
                    """{"error":{"code":1001,"message":"not you"}}""",
                "/subscribe" => """{"result":{"data":{"room":1}}}""",
                "/publish" => """{"result":{"data":{"changed":true}}}""",
                "/rpc" when request.RootElement.GetProperty("method").GetString() == "leave" =>
                    """{"disconnect":{"code":4502,"reason":"bye"}}""",
                _ => """{"result":{"data":{"sum":3}}}""",
            };
        };
        await using ClientScript client = ClientScript.Start("node", "backend.js", _host.WebSocketUri.ToString());
        await ExpectAsync(
            client,
            """{"saw":"connected","data":{"hello":1}}""",
            """{"saw":"subscribed","data":{"room":1}}""",
            """{"saw":"refused","code":1001,"reason":"not you"}""",
            """{"saw":"received","data":{"changed":true},"user":"42"}""",
            """{"saw":"answered","data":{"sum":3}}""",
            """{"saw":"disconnected","code":4502,"reason":"bye"}""");
        Assert.Equal("a", _backend.Headers["X-Room"]);
        Assert.Equal(
            ["""/connect {"c":1} """, """/subscribe {"s":1} 42""", """/subscribe {"s":2} 42""", """/publish {"p":1} 42""",
                """/rpc {"r":1} 42""", """/rpc {"r":2} 42"""], seen);
    }

    [Fact]
    public async Task A_connection_lives_as_long_as_the_backend_allows()
    {
        int refreshes = 0;
        _backend.AnswerTo = (path, _) => path switch
        {
            "/connect" => $$$"""{"result":{"expire_at":{{{InThreeSeconds()}}},"user":"42"}}""",
            "/refresh" when Interlocked.Increment(ref refreshes) == 1 =>
                $$$"""{"result":{"expire_at":{{{InThreeSeconds()}}},"expired":false}}""",
            "/refresh" => """{"result":{"expired":true}}""",
            _ => """{"result":{}}""",
        };
        using LightClient client = await LightClient.ConnectAsync(_host.Port, _limit.Token);
        while (await client.ReadLineAsync(_limit.Token) is not null) { }
        Assert.Equal(3005, client.CloseCode);
        Assert.Equal(2, refreshes);
    }

    [Fact]
    public async Task A_backend_that_is_down_is_logged_once_and_clients_reconnect()
    {
        _backend.Status = 500;
        await using ClientScript client = ClientScript.Start("node", "backend.js", _host.WebSocketUri.ToString());
        await ExpectAsync(client, """{"saw":"error","code":100}""", """{"saw":"error","code":100}""", """{"saw":"error","code":100}""");
        await _host.ExpectLogAsync("The backend is down: connect");
    }

    private static long InThreeSeconds() => DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 3;

    private async Task ExpectAsync(ClientScript client, params string[] observations)
    {
        foreach (string expected in observations) Assert.Equal(expected, await client.NextAsync(_limit.Token));
    }
}
