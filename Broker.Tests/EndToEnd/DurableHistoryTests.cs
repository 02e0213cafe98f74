using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Broker.Tests.Hostile;

namespace Broker.Tests.EndToEnd;

/// <summary>Channel histories on the disk, by the server's API and a client, over a host that is killed.</summary>
public sealed class DurableHistoryTests : IDisposable
{
    private const string ApiKey = "a long random key";

    private readonly string _folder = Directory.CreateTempSubdirectory("broker-history-").FullName;
    private readonly string _config = Path.GetTempFileName();

    public void Dispose()
    {
        File.Delete(_config);
        Directory.Delete(_folder, recursive: true);
    }

    // With fsync: DurableHistoryCrashTests.
    [Fact]
    public async Task A_client_recovers_after_the_host_was_killed()
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        await WriteConfigAsync(
            $$"""history { path = "{{_folder}}" }, namespaces.kept { recovery = on, history { size = 10, ttl = 1h, durability = none } }""");
        await using HostProcess host = await HostProcess.StartAsync(null, "--config", _config);
        (string epoch, ulong first) = await PublishAsync(host, 1, limit.Token);
        await PublishAsync(host, 2, limit.Token);
        (_, ulong last) = await PublishAsync(host, 3, limit.Token);
        await host.CrashAsync();
        await host.StartAgainAsync();

        using JsonDocument answer = await SubscribeAsync(host, epoch, first, limit.Token);
        JsonElement subscribe = answer.RootElement.GetProperty("subscribe");
        Assert.True(subscribe.GetProperty("recovered").GetBoolean(), answer.RootElement.GetRawText());
        Assert.Equal(epoch, subscribe.GetProperty("epoch").GetString());
        Assert.Equal(
            [2, 3], subscribe.GetProperty("publications").EnumerateArray().Select(static each => each.GetProperty("data").GetInt32()));
        Assert.Equal((epoch, last + 1), await PublishAsync(host, 4, limit.Token));
    }

    /// <remarks>What waits for the disk is not one command but many, of several kinds, and each has its turn.</remarks>
    [Fact]
    public async Task Commands_that_wait_for_the_disk_are_all_answered_in_their_turn()
    {
        const int Clients = 4, Rounds = 10;
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        await WriteConfigAsync(
            $$"""
              history { path = "{{_folder}}" }
              namespaces.kept { recovery = on, history-access = anonymous, history { size = 10, ttl = 1h, durability = fsync } }
              """);
        await using HostProcess host = await HostProcess.StartAsync(null, "--config", _config);

        await Task.WhenAll(Enumerable.Range(0, Clients).Select(async number =>
        {
            using Attacker client = await Attacker.EnterAsync(host.Port, limit.Token);
            int id = 1;
            for (int round = 0; round < Rounds; round++)
            {
                string[] commands =
                [
                    Publish(), $"\"subscribe\":{{\"channel\":\"kept:busy\",\"recover\":true}}", Publish(), Publish(),
                    "\"history\":{\"channel\":\"kept:busy\",\"limit\":3}", Publish(),
                    "\"history\":{\"channel\":\"kept:busy\"}", "\"unsubscribe\":{\"channel\":\"kept:busy\"}", Publish(),
                ];
                var ids = Enumerable.Range(id + 1, commands.Length).ToHashSet();
                id += commands.Length;
                await client.TrySendAsync(
                    HostileClient.Line(
                        string.Join('\n', ids.Order().Zip(commands, static (each, command) => $"{{\"id\":{each},{command}}}"))),
                    limit.Token);
                while (ids.Count > 0)
                {
                    string text = await client.ReadTextAsync(limit.Token);
                    Assert.NotEqual("", text);
                    foreach (string line in text.Split('\n'))
                    {
                        using JsonDocument reply = JsonDocument.Parse(line);
                        if (!reply.RootElement.TryGetProperty("id", out JsonElement answered)) continue;
                        Assert.False(reply.RootElement.TryGetProperty("error", out JsonElement error), $"{number}: {error} in {line}");
                        ids.Remove(answered.GetInt32());
                    }
                }
            }
        }));
        await host.StopAsync();

        static string Publish() => "\"publish\":{\"channel\":\"kept:busy\",\"data\":1}";
    }

    [Fact]
    public async Task A_namespace_that_wants_a_disk_needs_a_folder()
    {
        await WriteConfigAsync("namespaces.kept { history { size = 10, ttl = 1h, durability = fsync } }");
        var error = new StringWriter();
        int code = await new Broker.Host.Commands.BrokerCommand(
            (_, _, _, _) => throw new NotSupportedException(), new System.Collections.Hashtable(), new StringWriter(), error)
            .RunAsync(["serve", "--port", "0", "--config", _config]);

        Assert.Equal(2, code);
        Assert.Contains("broker.namespaces.kept.history.durability", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("broker.history.path", error.ToString(), StringComparison.Ordinal);
    }

    private Task WriteConfigAsync(string settings) =>
        File.WriteAllTextAsync(_config, $$"""broker { api.keys = ["{{ApiKey}}"], {{settings}} }""");

    private static async Task<(string Epoch, ulong Offset)> PublishAsync(HostProcess host, int data, CancellationToken stop)
    {
        using var http = new HttpClient();
        http.DefaultRequestHeaders.Add("X-API-Key", ApiKey);
        using HttpResponseMessage response =
            await http.PostAsJsonAsync(new Uri($"http://127.0.0.1:{host.Port}/api/publish"), new { channel = "kept:a", data }, stop);
        string body = await response.Content.ReadAsStringAsync(stop);
        using JsonDocument document = JsonDocument.Parse(body);
        Assert.True(document.RootElement.TryGetProperty("result", out JsonElement result), body);
        return (result.GetProperty("epoch").GetString()!, result.GetProperty("offset").GetUInt64());
    }

    private static async Task<JsonDocument> SubscribeAsync(HostProcess host, string epoch, ulong offset, CancellationToken stop)
    {
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(host.WebSocketUri, stop);
        string subscribe = $"{{\"channel\":\"kept:a\",\"recover\":true,\"epoch\":\"{epoch}\",\"offset\":{offset}}}";
        string commands = "{\"id\":1,\"connect\":{}}\n{\"id\":2,\"subscribe\":" + subscribe + "}";
        await socket.SendAsync(Encoding.UTF8.GetBytes(commands), WebSocketMessageType.Text, endOfMessage: true, stop);
        byte[] buffer = new byte[64 * 1024];
        while (true)
        {
            var text = new StringBuilder();
            WebSocketReceiveResult received;
            do
            {
                received = await socket.ReceiveAsync(buffer, stop);
                text.Append(Encoding.UTF8.GetString(buffer, 0, received.Count));
            }
            while (!received.EndOfMessage);

            foreach (string line in text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                JsonDocument reply = JsonDocument.Parse(line);
                if (reply.RootElement.TryGetProperty("id", out JsonElement id) && id.GetInt32() == 2) return reply;
                reply.Dispose();
            }
        }
    }
}
