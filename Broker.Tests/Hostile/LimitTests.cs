using System.Globalization;
using Broker.Tests.EndToEnd;

namespace Broker.Tests.Hostile;

/// <summary>Limits of time and number that a test has to set to be able to wait for them.</summary>
public sealed class LimitTests
{
    [Fact]
    public async Task A_client_that_does_not_connect_in_time_gets_3502()
    {
        await using var strict = await Strict.BeginAsync(("CENTRIFUGE_CONNECT_LIMIT", "500ms"));
        using Attacker silent = await Attacker.OpenAsync(strict.Host.Port, AttackedHost.HubPath, strict.Stop);
        await silent.TrySendAsync(HostileClient.Frame(HostileClient.Ping, [1]), strict.Stop);     // A frame is not a command.
        Assert.Equal(3502, await silent.ReadToEndAsync(strict.Stop));
    }

    [Fact]
    public async Task An_unanswered_ping_disconnects_with_3012()
    {
        await using var strict = await Strict.BeginAsync(("CENTRIFUGE_PING_INTERVAL", "1s"), ("CENTRIFUGE_PONG_LIMIT", "100ms"));
        using Attacker silent = await Attacker.EnterAsync(strict.Host.Port, strict.Stop);
        Assert.Equal(3012, await silent.ReadToEndAsync(strict.Stop));
    }

    [Fact]
    public async Task One_connection_over_the_limit_is_answered_503_and_when_to_come_back()
    {
        await using var strict = await Strict.BeginAsync(("LISTEN_CONNECTIONS_MAX", "1"));
        using Attacker first = await Attacker.EnterAsync(strict.Host.Port, strict.Stop);
        using Attacker second = await Attacker.ConnectAsync(strict.Host.Port, strict.Stop);
        await second.TrySendAsync(HostileClient.Upgrade(AttackedHost.HubPath), strict.Stop);
        string head = await second.ReadHeadAsync(strict.Stop);
        Assert.StartsWith("HTTP/1.1 503 ", head, StringComparison.Ordinal);
        Assert.Contains("Retry-After: ", head, StringComparison.Ordinal);
    }

    /// <remarks>All roads to a channel that there are, in one frame: none of them leads around the permission.</remarks>
    [Fact]
    public async Task Where_clients_may_not_publish_or_subscribe_every_road_is_refused_with_103()
    {
        await using var strict = await Strict.BeginAsync(("CENTRIFUGE_PUBLISH", "off"), ("CENTRIFUGE_SUBSCRIBE", "off"));
        using Attacker client = await Attacker.OpenAsync(strict.Host.Port, AttackedHost.HubPath, strict.Stop);
        string[] lines =
        [
            """{"id":1,"connect":{"subs":{"c":{"recover":true}},"data":{"channels":["c"]}}}""",
            """{"id":2,"subscribe":{"channel":"c"}}""",
            """{"id":3,"publish":{"channel":"c","data":1}}""",
            """{"id":4,"subscribe":{"channel":"#c"}}""",
            """{"id":5,"publish":{"channel":"$c","data":1}}""",
            """{"send":{"data":{"channel":"c"}}}""",
            """{"id":6,"rpc":{"method":"publish","data":{"channel":"c"}}}""",
            """{"id":7,"unsubscribe":{"channel":"c"}}""",
        ];
        await client.TrySendAsync(HostileClient.Line(string.Join('\n', lines)), strict.Stop);
        string received = "";
        while (!received.Contains("\"id\":7", StringComparison.Ordinal)) received += await client.ReadTextAsync(strict.Stop) + "\n";

        for (int id = 2; id <= 5; id++)
            Assert.Contains(
                string.Create(CultureInfo.InvariantCulture, $"{{\"id\":{id},\"error\":{{\"code\":103,"), received,
                    StringComparison.Ordinal);
        Assert.Contains("{\"id\":6,\"error\":{\"code\":108,", received, StringComparison.Ordinal);
        Assert.DoesNotContain("push", received, StringComparison.Ordinal);
    }

    private sealed class Strict : IAsyncDisposable
    {
        private readonly CancellationTokenSource _limit = new(HostProcess.Patience);

        private Strict(HostProcess host) => Host = host;

        public HostProcess Host { get; }

        public CancellationToken Stop => _limit.Token;

        public static async Task<Strict> BeginAsync(params IReadOnlyList<(string Name, string Value)> settings) =>
            new(await HostProcess.StartAsync(settings.ToDictionary(each => "BROKER_" + each.Name, each => each.Value)));

        public async ValueTask DisposeAsync()
        {
            await Host.DisposeAsync();
            _limit.Dispose();
        }
    }
}
