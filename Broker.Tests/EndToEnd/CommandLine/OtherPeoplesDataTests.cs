using System.Runtime.Versioning;
using System.Text;
using Broker.Cli.Terminal;
using Broker.Client;
using Broker.Tests.EndToEnd.Native;

namespace Broker.Tests.EndToEnd.CommandLine;

/// <summary>What a command is given stays as it is: arguments, lines, and the files that it writes.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class OtherPeoplesDataTests(SharedStoreHost shared) : StoreHost(shared), IClassFixture<SharedStoreHost>
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    [Theory]
    [InlineData("@bob hello")]
    [InlineData("@FILE")]
    [InlineData("/h")]
    [InlineData("/?")]
    [InlineData("[suggest]")]
    public async Task An_argument_is_published_as_it_is_typed(string text)
    {
        string file = Path.Combine(Folder, "words");
        await File.WriteAllTextAsync(file, "--file\n/etc/hostname\n");
        text = text.Replace("FILE", file, StringComparison.Ordinal);
        await using BrokerClient hub = await ConnectAsync();
        await using Subscription news = await hub.SubscribeAsync(Unique);

        Assert.Equal((0, "offset 1, receivers 1\n", ""), await RunAsync("pub", Unique, text));

        Assert.Equal([text], await ReadAsync(news, 1));
    }

    public static TheoryData<string, string[]> Lines => new()
    {
        { "one\r\ntwo\r\n", ["one\r", "two\r"] },
        { "\u00ef\u00bb\u00bfone\n\u00ff\u0000\u0080\n\nlast", ["\u00ef\u00bb\u00bfone", "\u00ff\u0000\u0080", "", "last"] },
        { "\u00ff\u00fea\u0000\n\u0000", ["\u00ff\u00fea\u0000", "\u0000"] },
        { "a\rb\u0085c\u000cd\n", ["a\rb\u0085c\u000cd"] },
    };

    [Theory, MemberData(nameof(Lines))]
    public async Task A_line_keeps_its_bytes_and_only_a_line_feed_ends_it(string input, string[] expected)
    {
        await using BrokerClient hub = await ConnectAsync();
        await using Subscription news = await hub.SubscribeAsync(Unique);

        (int code, string output, _) =
            await BrokerProgram.RunAsync(Host.NativeUri, Encoding.Latin1.GetBytes(input), "pub", Unique, "--lines");

        Assert.Equal((0, $"published {expected.Length}\n"), (code, output));
        Assert.Equal(expected, await ReadAsync(news, expected.Length));
    }

    [Fact]
    public async Task A_line_longer_than_the_hub_takes_is_refused_with_the_limit()
    {
        byte[] line = new byte[65 * 1024 * 1024];

        (int code, _, string error) = await BrokerProgram.RunAsync(Host.NativeUri, line, "pub", Unique, "--lines");
        (int wholeCode, _, string wholeError) = await BrokerProgram.RunAsync(Host.NativeUri, line, "pub", Unique);

        Assert.Equal((1, "broker: A line has more than 67108864 bytes, the most that the hub takes in one message.\n"), (code, error));
        Assert.Equal(
            (1, "broker: The input has more than 67108864 bytes, the most that the hub takes in one message.\n"), (wholeCode, wholeError));
    }

    [Theory]
    [InlineData(Private)]
    [InlineData(Private | UnixFileMode.GroupRead | UnixFileMode.OtherRead | UnixFileMode.OtherWrite)]
    [InlineData(Private | UnixFileMode.UserExecute)]
    public async Task A_file_that_is_replaced_keeps_its_mode(UnixFileMode mode)
    {
        string file = Path.Combine(Folder, "copy");
        await File.WriteAllTextAsync(file, "before");
        File.SetUnixFileMode(file, mode);
        await RunAsync("store", "put", Unique, "value");

        Assert.Equal((0, "", ""), await RunAsync("store", "get", Unique, "--out", file));

        Assert.Equal(("value", mode), (await File.ReadAllTextAsync(file), File.GetUnixFileMode(file)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_link_stays_and_what_it_leads_to_is_written(bool exists)
    {
        string target = Path.Combine(Folder, "target"), middle = Path.Combine(Folder, "middle"), link = Path.Combine(Folder, "link");
        if (exists) await File.WriteAllTextAsync(target, "before");
        File.CreateSymbolicLink(middle, "target");
        File.CreateSymbolicLink(link, middle);
        await RunAsync("store", "put", Unique, "value");

        Assert.Equal((0, "", ""), await RunAsync("store", "get", Unique, "--out", link));

        Assert.Equal("value", await File.ReadAllTextAsync(target));
        Assert.Equal((middle, "target"), (new FileInfo(link).LinkTarget, new FileInfo(middle).LinkTarget));
        Assert.Null(new FileInfo(target).LinkTarget);
    }

    [Fact]
    public async Task A_FIFO_is_written_through_and_stays_one()
    {
        string fifo = Path.Combine(Folder, "fifo");
        using (var make = System.Diagnostics.Process.Start("mkfifo", fifo)) await make.WaitForExitAsync();
        await RunAsync("store", "put", Unique, "value");
        Task<string> reading = Task.Run(() => File.ReadAllText(fifo));

        Assert.Equal((0, "", ""), await RunAsync("store", "get", Unique, "--out", fifo));

        Assert.Equal("value", await reading.WaitAsync(Patience));
        Assert.True(FileKind.Of(fifo) is { Exists: true, IsRegular: false });
    }

    [Theory]
    [InlineData("/dev/stdout", "value")]
    [InlineData("/proc/self/fd/1", "value")]
    [InlineData("/dev/null", "")]
    public async Task A_device_is_written_through(string device, string expected)
    {
        await RunAsync("store", "put", Unique, "value");

        Assert.Equal((0, expected, ""), await RunAsync("store", "get", Unique, "--out", device));

        Assert.True(FileKind.Of("/dev/null") is { Exists: true, IsRegular: false });
    }

    private Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments) =>
        BrokerProgram.RunAsync(Host.NativeUri, input: null, arguments);

    private static async Task<string[]> ReadAsync(Subscription subscription, int count)
    {
        using var limit = new CancellationTokenSource(Patience);
        var read = new List<string>();
        await foreach (Delivery delivery in subscription.WithCancellation(limit.Token))
        {
            read.Add(Encoding.Latin1.GetString(delivery.Data.Span));
            if (read.Count == count) break;
        }

        return [.. read];
    }
}
