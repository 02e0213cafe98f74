using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Broker.Tests.EndToEnd.CommandLine;

/// <summary>The real executable as a load generator, against the real host. Bounded by counts: nothing here depends on time.</summary>
public sealed class BenchCommandTests(EchoHost shared) : IClassFixture<EchoHost>
{
    private readonly HostProcess _host = shared.Process;

    [Theory]
    [InlineData("1", "16", "1")]
    [InlineData("7", "128", "5")]
    [InlineData("3", "100000", "20")]       // More under way than the sockets hold: the one that only writes would wait for ever.
    public async Task Every_echo_is_counted_once(string connections, string bytes, string depth)
    {
        JsonElement found =
            await MeasureAsync("echo", _host.EchoUri, "--connections", connections, "--bytes", bytes, "--depth", depth, "--messages", "50");

        Assert.Equal(
            50 * int.Parse(connections, System.Globalization.CultureInfo.InvariantCulture), found.GetProperty("messages").GetInt64());
        Assert.Equal(found.GetProperty("messages").GetInt64(), found.GetProperty("expected").GetInt64());
        Assert.True(found.GetProperty("p50_us").GetDouble() > 0);
        Assert.True(found.GetProperty("max_us").GetDouble() >= found.GetProperty("p99_us").GetDouble());
    }

    [Theory]
    [InlineData("10", "1", "1", "--window", "1", 10 * 40)]
    [InlineData("10", "3", "2", "--window", "8", ((5 + 5) * 40) + (5 * 40))]
    [InlineData("9", "2", "4", "--window", "4", (20 * 3) + (20 * 2) + (20 * 2) + (20 * 2))]
    [InlineData("5", "2", "1", "--rate", "1000", 2 * 5 * 40)]
    public async Task Every_delivery_is_counted_once(
        string subscribers, string publishers, string channels, string pace, string value, int deliveries)
    {
        JsonElement found = await MeasureAsync(
            "fan-out", _host.WebSocketUri, "--subscribers", subscribers, "--publishers", publishers, "--channels", channels, pace, value,
                "--messages", "40");

        Assert.Equal((deliveries, deliveries), (found.GetProperty("deliveries").GetInt32(), found.GetProperty("expected").GetInt32()));
    }

    [Fact]
    public async Task Idle_connections_are_counted_when_they_open_and_at_the_end()
    {
        foreach (string[] more in (string[][])[["--centrifuge"], []])
        {
            JsonElement found = await MeasureAsync("idle", _host.WebSocketUri, ["--connections", "20", "--seconds", "0", .. more]);

            Assert.Equal((20, 20), (found.GetProperty("opened").GetInt32(), found.GetProperty("open_at_the_end").GetInt32()));
        }
    }

    [Fact]
    public async Task A_table_and_its_verdict_are_all_that_is_printed()
    {
        (int code, string output, string error) =
            await BrokerProgram.RunAsync(
                null, input: null, "bench", "echo", _host.EchoUri.ToString(), "--messages", "5", "--connections", "2");

        Assert.Equal((0, ""), (code, error));
        Assert.Contains("p99.9", output, StringComparison.Ordinal);
        Assert.EndsWith(
            "connections 2, bytes 128, depth 1\nof 10 in all: lost 0, duplicated 0, out of order 0, damaged 0; connections lost 0: "
                + "right\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("twice", 0, 1, 0, 0)]
    [InlineData("late", 0, 0, 1, 0)]
    [InlineData("spoilt", 1, 0, 0, 1)]      // What came was another, so the right one is lost.
    public async Task A_server_that_is_wrong_ends_it_with_1_and_what_was_wrong(
        string how, int lost, int duplicated, int disordered, int damaged)
    {
        await using WrongEcho server = await WrongEcho.StartAsync();

        (int code, string output, string error) = await BrokerProgram.RunAsync(
            null, input: null, "bench", "echo", server.UriOf(how), "--connections", "1", "--depth", "4", "--messages", "8", "--json");

        Assert.Equal((1, ""), (code, error));
        JsonElement found = JsonDocument.Parse(output).RootElement;
        Assert.False(found.GetProperty("right").GetBoolean());
        Assert.Equal(
            (8, lost, duplicated, disordered, damaged),
            (Number("expected"), Number("lost"), Number("duplicated"), Number("out_of_order"), Number("damaged")));

        int Number(string name) => found.GetProperty(name).GetInt32();
    }

    [Fact]
    public async Task A_server_that_closes_ends_it_with_1_and_what_was_found()
    {
        await using WrongEcho server = await WrongEcho.StartAsync();

        (int code, string output, string error) = await BrokerProgram.RunAsync(
            null, input: null, "bench", "echo", server.UriOf("closed"), "--connections", "1", "--depth", "4", "--messages", "8", "--json");

        Assert.Equal((1, "broker: The server closed a connection: 1011 enough\n"), (code, error));
        JsonElement found = JsonDocument.Parse(output).RootElement;
        Assert.Equal((2, 1), (found.GetProperty("messages").GetInt32(), found.GetProperty("connections_lost").GetInt32()));
        Assert.True(found.GetProperty("lost").GetInt32() > 0);
    }

    [Theory]
    [InlineData("/nothing", "404")]
    [InlineData("/health", "404")]           // Which answers only who asks by HTTP alone.
    public async Task A_path_without_a_WebSocket_is_reported_in_one_line(string path, string reason)
    {
        (int code, string output, string error) =
            await BrokerProgram.RunAsync(null, input: null, "bench", "echo", $"ws://127.0.0.1:{_host.Port}{path}", "--messages", "1");

        Assert.Equal((1, ""), (code, output));
        Assert.Contains(reason, Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_server_is_reported_in_one_line()
    {
        using var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));

        (int code, string output, string error) =
            await BrokerProgram.RunAsync(null, input: null, "bench", "echo", $"ws://{closed.LocalEndPoint}/echo", "--messages", "1");

        Assert.Equal(
            (1, "", $"broker: ws://{closed.LocalEndPoint}/echo: there is no listener (connection refused).\n"), (code, output, error));
    }

    [Fact]
    public async Task A_server_of_another_protocol_is_reported_in_one_line()
    {
        (int code, string output, string error) =
            await BrokerProgram.RunAsync(
                null, input: null, "bench", "fan-out", _host.EchoUri.ToString(), "--messages", "1", "--subscribers", "1");

        Assert.Equal((1, ""), (code, output));
        Assert.Equal("broker: The server does not speak the Centrifuge JSON protocol: it echoes.\n", error);
    }

    [Theory]
    [InlineData("echo")]
    [InlineData("echo", "http://127.0.0.1/")]
    [InlineData("echo", "ws://127.0.0.1/", "--bytes", "15")]
    [InlineData("echo", "ws://127.0.0.1/", "--connections", "0")]
    [InlineData("echo", "ws://127.0.0.1/", "--connections", "many")]
    [InlineData("echo", "ws://127.0.0.1/", "--messages", "5", "--seconds", "5")]
    [InlineData("echo", "ws://127.0.0.1/", "--seconds", "-1")]
    [InlineData("echo", "ws://127.0.0.1/", "--seconds", "soon")]
    [InlineData("fan-out", "ws://127.0.0.1/", "--channels", "many")]
    [InlineData("fan-out", "ws://127.0.0.1/", "--window", "1", "--rate", "1")]
    [InlineData("fan-out", "ws://127.0.0.1/", "--subscribers", "2", "--channels", "3")]
    [InlineData("idle", "ws://127.0.0.1/", "--depth", "3")]
    [InlineData("flood", "ws://127.0.0.1/")]
    public async Task A_bad_command_line_exits_with_2_and_the_reason(params string[] arguments)
    {
        (int code, string output, string error) = await BrokerProgram.RunAsync(null, input: null, ["bench", .. arguments]);

        Assert.Equal((2, ""), (code, output));
        string command = arguments[0] is "flood" ? "broker bench" : $"broker bench {arguments[0]}";
        Assert.EndsWith($"broker: {command} --help lists what there is.\n", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    private static async Task<JsonElement> MeasureAsync(string kind, Uri url, params string[] options)
    {
        (int code, string output, string error) =
            await BrokerProgram.RunAsync(null, input: null, ["bench", kind, url.ToString(), "--json", .. options]);
        Assert.True(code == 0, $"It ended with {code}: {output}{error}");
        JsonElement found = JsonDocument.Parse(Assert.Single(output.Split('\n', StringSplitOptions.RemoveEmptyEntries))).RootElement;
        Assert.True(found.GetProperty("right").GetBoolean());
        Assert.Equal(JsonValueKind.Null, found.GetProperty("failure").ValueKind);
        return found;
    }
}
