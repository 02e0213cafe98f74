using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Broker.Tests.EndToEnd.CommandLine;

/// <summary>The real executable where it has nothing to talk to: bad command lines, and hubs that are not there or not as asked.</summary>
public sealed class BadCommandTests
{
    [Theory]
    [InlineData("pub")]
    [InlineData("pub", "news", "data", "--file", "path")]
    [InlineData("pub", "news", "data", "--lines")]
    [InlineData("sub")]
    [InlineData("store", "get")]
    [InlineData("store", "get", "--hex", "6")]
    [InlineData("store", "put", "a", "b", "--durability", "rock")]
    [InlineData("sub", "news", "--url", "http://127.0.0.1/")]
    [InlineData("sub", "news", "--timeout", "0")]
    [InlineData("sub", "news", "--timeout", "")]
    [InlineData("sub", "news", "--timeout", "1e999")]
    [InlineData("sub", "news", "--port", "1")]
    [InlineData("pub", "news", "data", "--file", "")]
    [InlineData("pub", "news", "data", "--lines=perhaps")]
    public async Task A_bad_command_line_exits_with_2_and_the_reason(params string[] arguments)
    {
        (int code, string output, string error) = await RunAsync(arguments);

        Assert.Equal((2, ""), (code, output));
        Assert.NotEmpty(error);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--timeout is over 0 and at most 86400 seconds, and not \"abc\".", "pub", "news", "x", "--timeout", "abc")]
    [InlineData("CHANNEL is empty.", "pub", "", "x")]
    [InlineData("CHANNEL is empty.", "sub", "")]
    [InlineData("METHOD is empty.", "call", "", "--empty")]
    [InlineData("KEY is empty.", "store", "get", "")]
    [InlineData("KEY is empty.", "store", "put", "", "x")]
    [InlineData("KEY is empty.", "store", "delete", "", "--hex")]
    [InlineData("--limit is 1 or more, and not \"0\".", "store", "scan", "--limit", "0")]
    [InlineData("--limit is 1 or more, and not \"-3\".", "store", "scan", "--limit", "-3")]
    [InlineData("--limit is 1 or more, and not \"all\".", "store", "scan", "-n", "all")]
    [InlineData("--count is 1 or more, and not \"0\".", "sub", "news", "--count", "0")]
    [InlineData("6b2 is not hexadecimal, as --hex requires.", "store", "scan", "6b2", "--hex")]
    public async Task A_value_that_can_not_be_is_refused_in_a_sentence_before_anything_connects(string expected, params string[] arguments)
    {
        (int code, string output, string error) = await BrokerProgram.RunAsync(new Uri("ws://127.0.0.1:1/ws"), input: null, arguments);

        Assert.Equal((2, ""), (code, output));
        string[] lines = error.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(expected, lines[0]);
        Assert.EndsWith("--help lists what there is.", Assert.Single(lines[1..]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hub_that_is_not_there_ends_with_4_and_one_line()
    {
        using var closed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        closed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var unserved = new Uri($"ws://{closed.LocalEndPoint}/ws");

        (int code, string output, string error) = await BrokerProgram.RunAsync(unserved, input: null, "store", "get", "a");

        Assert.Equal((4, ""), (code, output));
        Assert.StartsWith(
            $"broker: The connection ended with 1006: {unserved}: Connection refused",
            Assert.Single(error.Split('\n', StringSplitOptions.RemoveEmptyEntries)),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hub_without_a_store_returns_an_error()
    {
        await using HostProcess bare = await HostProcess.StartAsync();

        foreach (string command in (string[])["put a value", "get a", "delete a", "scan"])
        {
            Assert.Equal(
                (1, "", "broker: The hub has no keyed store: it has one when it is started with --store PATH (broker.store.path).\n"),
                await BrokerProgram.RunAsync(bare.NativeUri, input: null, ["store", .. command.Split(' ')]));
        }
    }

    [Fact]
    public async Task Reports_a_plain_URL_at_a_port_with_TLS()
    {
        using var entryPoints = new EntryPoints();
        await using HostProcess host = await HostProcess.StartAsync(entryPoints.Settings);
        var url = new Uri($"ws://127.0.0.1:{host.TlsPort}/ws");

        (int code, string output, string error) = await BrokerProgram.RunAsync(url, input: null, "store", "get", "a");

        Assert.Equal((4, ""), (code, output));
        Assert.Contains("with TLS the URL begins with wss://", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_subscriber_reports_why_it_lost_the_hub_and_when_it_reconnects()
    {
        await using HostProcess host = await HostProcess.StartAsync();
        await using BrokerProgram listener = BrokerProgram.Start(host.NativeUri, "sub", "news");
        Assert.Equal("broker: listening to news", await listener.ReadErrorAsync());

        await host.StopAsync();
        Assert.Equal("broker: The connection ended with 3001: shutdown; trying again", await listener.ReadErrorAsync());
        await host.StartAgainAsync();

        string? line;
        while ((line = await listener.ReadErrorAsync()) is not "broker: connected again")
            Assert.Contains("Connection refused", line, StringComparison.Ordinal);
        listener.SendInterrupt();
        Assert.Equal(130, await listener.WaitAsync());
    }

    [Fact]
    public async Task A_port_in_use_exits_with_1_and_names_the_port()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        string port = ((IPEndPoint)taken.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);

        (int code, string output, string error) = await BrokerProgram.RunAsync(url: null, input: null, "serve", "--port", port);

        Assert.Equal((1, ""), (code, output));
        Assert.Equal($"broker: Cannot listen on 127.0.0.1:{port}: Address already in use.", error.TrimEnd());
    }

    [Fact]
    public async Task Help_lists_the_options_of_the_command_and_no_others()
    {
        (int code, string help, _) = await RunAsync("store", "put", "--help");

        Assert.Equal(0, code);
        Assert.Contains("--durability", help, StringComparison.Ordinal);
        Assert.Contains("--url", help, StringComparison.Ordinal);
        Assert.DoesNotContain("--reactors", help, StringComparison.Ordinal);
    }

    private static Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments) =>
        BrokerProgram.RunAsync(new Uri("ws://127.0.0.1:1/ws"), input: null, arguments);
}
