using System.Security.Cryptography;
using System.Text;
using Broker.Client;
using Broker.Tests.EndToEnd.Native;

namespace Broker.Tests.EndToEnd.CommandLine;

/// <summary>The real executable as a client of the real host.</summary>
public sealed class ClientCommandTests(SharedStoreHost shared) : StoreHost(shared), IClassFixture<SharedStoreHost>
{
    [Fact]
    public async Task A_value_goes_in_by_argument_pipe_or_file_and_comes_out_byte_for_byte()
    {
        byte[] bytes = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * 7))];
        string file = Path.Combine(Folder, "value"), copy = Path.Combine(Folder, "copy");
        await File.WriteAllBytesAsync(file, bytes);

        (int code, string tail, string error) = await RunAsync("store", "put", "text", "a value");
        Assert.Equal((0, ""), (code, error));
        Assert.True(ulong.Parse(tail, System.Globalization.CultureInfo.InvariantCulture) > 0);
        Assert.Equal(0, (await BrokerProgram.RunAsync(Host.NativeUri, bytes, "store", "put", "piped", "--durability", "memory")).Code);
        Assert.Equal(0, (await RunAsync("store", "put", "filed", "--file", file, "-d", "os")).Code);

        Assert.Equal((0, "a value", ""), await RunAsync("store", "get", "text"));
        Assert.Equal(Encoding.Latin1.GetString(bytes), (await RunAsync("store", "get", "piped")).Output);
        Assert.Equal((0, "", ""), await RunAsync("store", "get", "filed", "--output", copy));
        Assert.Equal(bytes, await File.ReadAllBytesAsync(copy));
    }

    [Fact]
    public async Task A_large_value_goes_in_from_a_file_and_out_to_one_which_is_replaced_only_by_a_whole_one()
    {
        byte[] bytes = new byte[70 * 1024 * 1024];
        new Random(20261122).NextBytes(bytes);
        string file = Path.Combine(Folder, "value"), copy = Path.Combine(Folder, "copy");
        await File.WriteAllBytesAsync(file, bytes);
        await File.WriteAllTextAsync(copy, "what was there");

        Assert.Equal((3, ""), await CodeAndOutputAsync("store", "get", "large", "--out", copy));
        Assert.Equal("what was there", await File.ReadAllTextAsync(copy));
        Assert.Equal(0, (await RunAsync("store", "put", "large", "--file", file)).Code);
        Assert.Equal((0, ""), await CodeAndOutputAsync("store", "get", "large", "--out", copy));

        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(await File.ReadAllBytesAsync(copy)));
        Assert.Equal((0, "large\n"), await CodeAndOutputAsync("store", "scan", "large", "--keys"));
        Assert.Empty(Directory.GetFiles(Folder, "*.part"));
    }

    private async Task<(int Code, string Output)> CodeAndOutputAsync(params string[] arguments)
    {
        (int code, string output, _) = await RunAsync(arguments);
        return (code, output);
    }

    [Fact]
    public async Task A_scan_prints_a_line_an_entry_whatever_is_in_it()
    {
        await RunAsync("store", "put", "k/1", "one");
        await RunAsync("store", "put", "k/2", "a\ttab, a\nline and a \\");
        await BrokerProgram.RunAsync(Host.NativeUri, [0xff, 0x00, 0x41], "store", "put", "--hex", "6b2fff");
        await RunAsync("store", "put", "z", "another prefix");

        Assert.Equal((0, "k/1\tone\nk/2\ta\\ttab, a\\nline and a \\\\\nk/\\xff\t\\xff\\x00A\n", ""), await RunAsync("store", "scan", "k/"));
        Assert.Equal((0, "k/1\nk/2\n", ""), await RunAsync("store", "scan", "k", "--keys", "--limit", "2"));
    }

    [Fact]
    public async Task What_is_missing_has_an_exit_code_of_its_own()
    {
        await RunAsync("store", "put", "there", "x");

        Assert.Equal((0, "", ""), await RunAsync("store", "delete", "there"));
        Assert.Equal((3, "", "broker: there is no key there\n"), await RunAsync("store", "delete", "there"));
        Assert.Equal((3, "", "broker: there is no key there\n"), await RunAsync("store", "get", "there"));
    }

    [Fact]
    public async Task A_call_writes_its_result_and_a_fault_is_one_line()
    {
        await RunAsync("store", "put", "a", "value");

        Assert.Equal((0, "\u0001value", ""), await RunAsync("call", "read", "a"));
        await using BrokerClient client = await ConnectAsync();
        byte[] count = BitConverter.GetBytes(await new StoreClient(client).CountAsync());
        Assert.Equal((0, Encoding.Latin1.GetString(count), ""), await RunAsync("call", "len", "--empty"));
        Assert.Equal((1, "", "broker: nothing: UnknownMethod, unknown method\n"), await RunAsync("call", "nothing", "x"));
    }

    [Fact]
    public async Task A_listener_prints_what_is_published_and_ends_by_itself_or_by_a_signal()
    {
        await using BrokerProgram first = BrokerProgram.Start(Host.NativeUri, "sub", "news", "--count", "3");
        await using BrokerProgram second = BrokerProgram.Start(Host.NativeUri, "sub", "news", "--json");
        Assert.Equal("broker: listening to news", await first.ReadErrorAsync());
        Assert.Equal("broker: listening to news", await second.ReadErrorAsync());

        Assert.Equal((0, "offset 1, receivers 2\n", ""), await RunAsync("pub", "news", "hello"));
        (int code, string output, _) = await BrokerProgram.RunAsync(Host.NativeUri, "one\ntwo\n"u8.ToArray(), "pub", "news", "--lines");
        Assert.Equal((0, "published 2\n"), (code, output));

        foreach (string expected in (string[])["hello", "one", "two"]) Assert.Equal(expected, await first.ReadOutputAsync());
        Assert.Equal(0, await first.WaitAsync());
        Assert.Equal("""{"channel":"news","offset":1,"data":"hello"}""", await second.ReadOutputAsync());
        second.SendInterrupt();
        Assert.Equal(130, await second.WaitAsync());
    }

    [Fact]
    public async Task Offsets_begin_with_the_first_subscriber()
    {
        Assert.Equal((0, "offset 0, receivers 0\n", ""), await RunAsync("pub", "empty", "lost"));
        await using (BrokerProgram listener = BrokerProgram.Start(Host.NativeUri, "sub", "empty", "--count", "1"))
        {
            Assert.Equal("broker: listening to empty", await listener.ReadErrorAsync());
            Assert.Equal((0, "offset 1, receivers 1\n", ""), await RunAsync("pub", "empty", "heard"));
            Assert.Equal(("heard", 0), (await listener.ReadOutputAsync(), await listener.WaitAsync()));
        }

        Assert.Equal((0, "offset 0, receivers 0\n", ""), await RunAsync("pub", "empty", "lost again"));
    }

    [Fact]
    public async Task An_unwritable_file_is_reported_by_its_given_name()
    {
        await RunAsync("store", "put", "a", "value");
        string missing = Path.Combine(Folder, "missing", "copy");

        (int code, string output, string error) = await RunAsync("store", "get", "a", "--out", missing);

        Assert.Equal((1, ""), (code, output));
        Assert.Equal($"broker: {missing} cannot be written: Could not find a part of the path '{missing}'.\n", error);
    }

    [Fact]
    public async Task A_path_where_no_WebSocket_is_ends_with_4_and_names_the_path_of_the_protocol()
    {
        var wrong = new Uri($"ws://127.0.0.1:{Host.Port}/wss");

        (int code, string output, string error) = await BrokerProgram.RunAsync(wrong, input: null, "store", "get", "a");

        Assert.Equal((4, ""), (code, output));
        Assert.Equal(
            $"broker: {wrong}: the server answered the WebSocket handshake with HTTP 404. Nothing is there at this path: a hub speaks the "
                + $"native protocol at /ws.\n", error);
    }

    [Fact]
    public async Task Reports_a_TLS_URL_at_a_port_without_TLS()
    {
        var url = new Uri($"wss://127.0.0.1:{Host.Port}/ws");

        (int code, string output, string error) = await BrokerProgram.RunAsync(url, input: null, "store", "get", "a");

        Assert.Equal((4, ""), (code, output));
        Assert.StartsWith(
            $"broker: The connection ended with 1006: {url}: there is no TLS at this port, or none that both sides speak", error,
                StringComparison.Ordinal);
        Assert.Contains("the URL begins with ws://", error, StringComparison.Ordinal);
    }

    private Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments) =>
        BrokerProgram.RunAsync(Host.NativeUri, input: null, arguments);
}
