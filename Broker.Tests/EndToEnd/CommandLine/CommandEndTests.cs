using Broker.Client;
using Broker.Tests.EndToEnd.Native;

namespace Broker.Tests.EndToEnd.CommandLine;

/// <summary>Commands that wait for something outside end when they are told to, and when nothing reads them.</summary>
public sealed class CommandEndTests(SharedStoreHost shared) : StoreHost(shared), IClassFixture<SharedStoreHost>
{
    private const int Interrupted = 130, OutputClosed = 141;

    public static TheoryData<string, bool> Waiting
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (string command in (string[])[
                "pub CHANNEL", "pub CHANNEL --lines", "call len", "store put key", "store put key --file FIFO", "pub CHANNEL --file FIFO"])
            {
                data.Add(command, true);
                data.Add(command, false);
            }

            return data;
        }
    }

    [Theory, MemberData(nameof(Waiting))]
    public async Task A_command_that_waits_for_input_ends_on_the_first_signal(string command, bool isInterrupt)
    {
        string fifo = await MakeFifoAsync();
        while (await CountConnectionsAsync() > 0) await Task.Yield();       // Of the test before.
        string[] arguments = Named(command.Replace("FIFO", fifo, StringComparison.Ordinal));
        await using BrokerProgram program =
            BrokerProgram.Start(Host.NativeUri, [.. arguments, "--url", Host.NativeUri.ToString()]);

        // SIGINT is the command's from before it connects, so once the hub has its connection the signal cannot come too early.
        while (await CountConnectionsAsync() == 0) await Task.Yield();

        if (isInterrupt) program.SendInterrupt();
        else program.SendTerminate();

        Assert.Equal(Interrupted, await program.WaitAsync());
    }

    [Fact]
    public async Task Lines_that_came_before_the_signal_are_published()
    {
        await using BrokerClient hub = await ConnectAsync();
        await using Subscription news = await hub.SubscribeAsync(Unique);
        await using BrokerProgram program = BrokerProgram.Start(Host.NativeUri, "pub", Unique, "--lines");
        await program.WriteInputAsync("one\ntwo"u8.ToArray());

        await using IAsyncEnumerator<Delivery> deliveries = news.GetAsyncEnumerator();
        Assert.True(await deliveries.MoveNextAsync().AsTask().WaitAsync(Patience));
        Assert.Equal("one", Text(deliveries.Current.Data));
        program.SendTerminate();

        Assert.Equal(Interrupted, await program.WaitAsync());
    }

    [Fact]
    public async Task A_listener_whose_reader_is_gone_ends_though_nothing_is_published()
    {
        await using BrokerProgram program = BrokerProgram.Start(Host.NativeUri, "sub", Unique);
        Assert.Equal("broker: listening to " + Unique, await program.ReadErrorAsync());

        program.CloseOutput();

        Assert.Equal(OutputClosed, await program.WaitAsync());
    }

    [Theory]
    [InlineData("sub CHANNEL", 1)]
    [InlineData("store scan", 1)]
    public async Task A_pipe_into_head_ends(string command, int lines)
    {
        await using BrokerClient hub = await ConnectAsync();
        var store = new StoreClient(hub);
        for (int i = 0; i < 3000; i++) await store.WriteAsync(Bytes($"key/{i}"), new byte[100], Core.Protocol.Store.Durability.Memory);
        await using BrokerProgram program = BrokerProgram.Start(Host.NativeUri, Named(command));
        if (command.StartsWith("sub", StringComparison.Ordinal))
        {
            Assert.Equal("broker: listening to " + Unique, await program.ReadErrorAsync());
            await hub.PublishAsync(Unique, Bytes("first"));
        }

        for (int i = 0; i < lines; i++) Assert.NotNull(await program.ReadOutputAsync());
        program.CloseOutput();

        Assert.Equal(OutputClosed, await program.WaitAsync());
    }

    private string[] Named(string command) => command.Replace("CHANNEL", Unique, StringComparison.Ordinal).Split(' ');

    private async Task<int> CountConnectionsAsync()
    {
        using var limit = new CancellationTokenSource(Patience);
        using var http = new HttpClient();
        string metrics = await http.GetStringAsync(new Uri(Host.HttpUri, "metrics"), limit.Token);
        string line =
            metrics.Split('\n').First(each => each.StartsWith("broker_connections", StringComparison.Ordinal) && !each.StartsWith('#'));
        return (int)double.Parse(line.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);
    }

    private static async Task<string> MakeFifoAsync()
    {
        string path = Path.Combine(Directory.CreateTempSubdirectory("broker-fifo-").FullName, "fifo");
        using var make = System.Diagnostics.Process.Start("mkfifo", path);
        await make.WaitForExitAsync();
        Assert.Equal(0, make.ExitCode);
        return path;
    }
}
