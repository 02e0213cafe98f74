using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace Broker.Tests.EndToEnd.CommandLine;

/// <summary>
/// Runs of <c>broker bench</c> that are bounded by a time, and those that someone watches and ends. No figure is judged, only counts.
/// </summary>
public sealed class BenchRunTests(EchoHost shared) : IClassFixture<EchoHost>
{
    private const int Interrupted = 130;

    private readonly HostProcess _host = shared.Process;

    [Fact]
    public async Task Echo_for_a_time_warms_up_and_is_measured_for_that_long()
    {
        JsonElement found =
            await MeasureAsync("echo", _host.EchoUri, "--connections", "3", "--depth", "2", "--warm", "0.2", "--seconds", "1");

        long messages = found.GetProperty("messages").GetInt64();
        Assert.InRange(messages, 1, found.GetProperty("expected").GetInt64());      // Those of the warm-up are expected, too.
        ExpectRate(found, "messages", messages);
    }

    [Theory]
    [InlineData("--window", "4")]
    [InlineData("--rate", "500")]
    public async Task Fan_out_for_a_time_delivers_every_publication_to_each(string pace, string value)
    {
        const int Subscribers = 4;
        JsonElement found = await MeasureAsync(
            "fan-out", _host.WebSocketUri, "--subscribers", $"{Subscribers}", pace, value, "--warm", "0.2", "--seconds", "1");

        long deliveries = found.GetProperty("deliveries").GetInt64(), expected = found.GetProperty("expected").GetInt64();
        Assert.InRange(deliveries, 1, expected);
        Assert.Equal(0, expected % Subscribers);
        ExpectRate(found, "deliveries", deliveries);
    }

    [Theory]
    [InlineData]
    [InlineData("--centrifuge")]
    public async Task Idle_connections_are_held_for_a_time(params string[] more)
    {
        JsonElement found = await MeasureAsync("idle", _host.WebSocketUri, ["--connections", "20", "--seconds", "0.4", .. more]);

        Assert.Equal((20, 20), (found.GetProperty("opened").GetInt32(), found.GetProperty("open_at_the_end").GetInt32()));
        ExpectRate(found, "connects", 20);
    }

    [Theory]
    [InlineData("echo", @"measuring, [1-9]\d* of 3600 s \| 2 open", "messages/s")]
    [InlineData("fan-out", @"measuring, [1-9]\d* of 3600 s \| 3 open", "deliveries/s")]
    [InlineData("idle", @"holding, [1-9]\d* of 3600 s \| 2 open", "connects/s")]
    public async Task Progress_is_shown_and_Ctrl_C_reports_partial_results(string kind, string seen, string unit)
    {
        string[] more = kind switch
        {
            "echo" => [_host.EchoUri.ToString(), "--connections", "2", "--warm", "0"],
            "fan-out" => [_host.WebSocketUri.ToString(), "--subscribers", "2", "--rate", "100", "--warm", "0"],
            _ => [_host.WebSocketUri.ToString(), "--connections", "2"],
        };
        await using Terminal terminal = Terminal.Start(["bench", kind, .. more, "--seconds", "3600"]);

        await terminal.SeeAsync("opening");
        await terminal.SeeMatchAsync(seen);
        await terminal.PressControlCAsync();

        Assert.Equal(Interrupted, await terminal.WaitAsync());
        string report = terminal.Screen[terminal.Screen.LastIndexOf('╭')..];
        Assert.Contains(unit, report, StringComparison.Ordinal);
        Assert.Contains("stopped early", report, StringComparison.Ordinal);
        Assert.EndsWith("connections lost 0: right\r\n", report, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_Ctrl_C_ends_the_wait_without_counting_errors()
    {
        await using WrongEcho server = await WrongEcho.StartAsync();
        await using Terminal terminal = Terminal.Start(
            "bench", "echo", server.UriOf("withheld"), "--connections", "1", "--depth", "4", "--warm", "0", "--seconds", "3600");

        await terminal.SeeMatchAsync(@"measuring, [1-9]\d* of 3600 s");
        await terminal.PressControlCAsync();
        await terminal.SeeAsync("waiting for what is under way");
        await terminal.PressControlCAsync();

        Assert.Equal(Interrupted, await terminal.WaitAsync());
        Assert.Contains(
            "lost 1, duplicated 0, out of order 0, damaged 0; connections lost 0: right, but what was lost was not waited for",
                terminal.Screen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ctrl_C_while_opening_reports_that_nothing_was_measured()
    {
        using var silent = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        silent.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        silent.Listen();
        await using Terminal terminal = Terminal.Start("bench", "echo", $"ws://{silent.LocalEndPoint}/echo");

        await terminal.SeeAsync("opening 100 connections");
        await terminal.PressControlCAsync();

        Assert.Equal(Interrupted, await terminal.WaitAsync());
        Assert.EndsWith(
            "broker: stopped while it opened its connections: nothing was measured.\r\n", terminal.Screen, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_interrupted_run_is_marked_in_JSON_as_well()
    {
        // No terminal here, so nothing tells how far it is: the first echo that the server receives does.
        await using WrongEcho server = await WrongEcho.StartAsync();
        await using BrokerProgram program =
            BrokerProgram.Start(
                url: null, "bench", "echo", server.UriOf("well"), "--connections", "1", "--warm", "0", "--seconds", "3600", "--json");

        await server.FirstMessage;
        program.SendInterrupt();

        JsonElement found = JsonDocument.Parse((await program.ReadOutputAsync())!).RootElement;
        Assert.Equal(
            (Interrupted, true, true),
                (await program.WaitAsync(), found.GetProperty("interrupted").GetBoolean(), found.GetProperty("right").GetBoolean()));
        Assert.True(found.GetProperty("expected").GetInt64() > 0);
    }

    private static void ExpectRate(JsonElement found, string unit, long count)
    {
        double seconds = found.GetProperty("seconds").GetDouble(), rate = found.GetProperty($"{unit}_per_second").GetDouble();
        // The system's timers, which end the second, are some milliseconds coarser than the clock that measures them.
        if (found.GetProperty("bench").GetString() != "idle") Assert.True(seconds >= 0.98, $"It was measured for {seconds} s only.");
        Assert.Equal(count / rate, seconds, tolerance: 0.001 + (seconds / 100));
    }

    private static async Task<JsonElement> MeasureAsync(string kind, Uri url, params string[] options)
    {
        (int code, string output, string error) =
            await BrokerProgram.RunAsync(null, input: null, ["bench", kind, url.ToString(), "--json", .. options]);
        Assert.True(code == 0, $"It ended with {code}: {output}{error}");
        JsonElement found = JsonDocument.Parse(output).RootElement;
        Assert.True(found.GetProperty("right").GetBoolean());
        Assert.False(found.GetProperty("interrupted").GetBoolean());
        return found;
    }
}
