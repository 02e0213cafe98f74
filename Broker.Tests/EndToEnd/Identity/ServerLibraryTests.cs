using Broker.Identity.Tokens;

namespace Broker.Tests.EndToEnd.Identity;

/// <summary>A server library that others wrote (cent.js), unchanged, against the real host, on every way in.</summary>
public sealed class ServerLibraryTests
{
    private const string Secret = "a secret of thirty-two characters", ApiKey = "a long random key";

    [Theory]
    [InlineData(WayIn.Reactor), InlineData(WayIn.Kestrel), InlineData(WayIn.Tls)]
    public async Task A_server_library_publishes_reads_and_manages(WayIn way)
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        using var entryPoints = new EntryPoints();
        string config = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(config, $$"""
                broker {
                  tokens.hmac-secret = "{{Secret}}"
                  api.keys = ["{{ApiKey}}"]
                  channels { history { size = 10, ttl = 1m }, presence = on }
                  namespaces.chat { presence = on }
                }
                """, limit.Token);
            await using HostProcess host = await HostProcess.StartAsync(entryPoints.SettingsFor(way), "--config", config);
            string token = TokenWriter.WriteConnection(Secret, "42", DateTimeOffset.UtcNow, null);
            Uri socket = host.UriOf(way, "/connection/websocket"), api = host.UriOf(way, "/api");
            await using ClientScript client = ClientScript.Start(
                "node", "cent.js", entryPoints.ClientEnvironment, socket.ToString(),
                    api.ToString().Replace("ws", "http", StringComparison.Ordinal), ApiKey, token);
            foreach (string expected in (string[])
            [
                """{"saw":"published","offset":1,"hasEpoch":true}""",
                """{"saw":"received","data":{"text":"one"}}""",
                """{"saw":"broadcast","responses":[2,102]}""",
                """{"saw":"received","data":2}""",
                """{"saw":"published twice with one key","same":true}""",
                """{"saw":"history","data":[{"text":"one"},2,3],"offset":3}""",
                """{"saw":"newest","data":[3]}""",
                """{"saw":"presence","users":["42"]}""",
                """{"saw":"presence stats","clients":1,"users":1}""",
                """{"saw":"channels","news":1}""",
                """{"saw":"info","nodes":1,"clients":1}""",
                """{"saw":"pipeline","offset":4,"clients":1}""",
                """{"saw":"history removed","left":0}""",
                """{"saw":"subscribed by the server","channel":"extra"}""",
                """{"saw":"unsubscribed","code":2000}""",
                """{"saw":"disconnected","code":4501,"reason":"go"}""",
                """{"saw":"a wrong key refused"}""",
            ])
            {
                Assert.Equal(expected, await client.NextAsync(limit.Token));
            }
        }
        finally
        {
            File.Delete(config);
        }
    }
}
