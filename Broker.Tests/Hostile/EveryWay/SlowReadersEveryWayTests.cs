using Broker.Tests.EndToEnd;
using static Broker.Tests.Hostile.HostileClient;

namespace Broker.Tests.Hostile.EveryWay;

/// <summary>Rows of docs/ERRORS.md about readers that take nothing, by every entry point at once.</summary>
public sealed class SlowReadersEveryWayTests
{
    // More than the queue and what all systems on the way keep.
    private const int Publications = 400, Bytes = 60_000;

    // The path and the subprotocol of each reader.
    internal static readonly Dictionary<string, (string Path, string? Subprotocol)> Rows = new()
    {
        ["a reader slower than its queue or than blocked-limit"] = (AttackedHost.HubPath, null),
        ["nothing, and reads too slowly, on the native path"] = (HostileNativeClient.Path, "v3.broker"),
        ["a reader that takes nothing, on the echo path"] = (AttackedHost.EchoPath, null),
    };

    [Fact]
    public async Task Slow_readers_get_the_code_of_the_page_by_every_entry_point()
    {
        await using EveryEntryPoint entryPoints = await EveryEntryPoint.OpenAsync(("ECHO_ENABLED", "on"), ("REACTOR_CLOSE_LIMIT", "5m"));
        using var limit = new CancellationTokenSource(3 * HostProcess.Patience);

        string[] wrong = await Task.WhenAll(EveryEntryPoint.All.Select(entry => TryAsync(entryPoints, entry, limit.Token)));
        Assert.Equal([], wrong.Where(static each => each.Length > 0));
    }

    private static async Task<string> TryAsync(EveryEntryPoint entryPoints, EntryPoint entry, CancellationToken stop)
    {
        string channel = $"slow by {entry}";
        var readers = new Dictionary<string, Attacker>();
        try
        {
            foreach ((string row, (string path, string? subprotocol)) in Rows)
                readers[row] = await entryPoints.OpenAsync(entry, path, subprotocol, stop);
            (Attacker json, Attacker native, Attacker echo) = (readers.Values.ElementAt(0), readers.Values.ElementAt(1),
                readers.Values.ElementAt(2));
            await (await json.SendConnectAsync(stop)).TrySendAsync(Line($"{{\"id\":2,\"subscribe\":{{\"channel\":\"{channel}\"}}}}"), stop);
            await json.ReadTextAsync(stop);
            await (await native.SendHelloAsync(stop)).TrySendAsync(Frame(Binary, HostileNativeClient.Subscribe(1, channel)), stop);
            await native.ReadFrameAsync(stop);

            // The echo reader asks until the host takes no more of it; the others are only sent to.
            Task asking = AskAsync(echo, stop);
            using Attacker publisher =
                await (await entryPoints.OpenAsync(entry, AttackedHost.HubPath, null, stop)).SendConnectAsync(stop);
            byte[] line = Line($"{{\"id\":3,\"publish\":{{\"channel\":\"{channel}\",\"data\":\"{new string('x', Bytes)}\"}}}}");
            for (int i = 0; i < Publications; i++)
            {
                Assert.True(await publisher.TrySendAsync(line, stop));
                Assert.Contains("\"publish\"", await publisher.ReadTextAsync(stop), StringComparison.Ordinal);
            }

            int[] codes = [await json.ReadToEndAsync(stop), await native.ReadToEndAsync(stop), 0];
            await asking;
            codes[2] = await echo.ReadToEndAsync(stop);
            return string.Join("; ", Rows.Keys.Zip(codes).Where(static each => ErrorPage.Answer(each.First) != each.Second)
                .Select(each => $"{each.First}, by {entry}: {each.Second}"));
        }
        finally
        {
            foreach (Attacker reader in readers.Values) reader.Dispose();
        }
    }

    // Waits where the host takes no more, until it has disconnected the reader and discards what still comes.
    private static async Task AskAsync(Attacker echo, CancellationToken stop)
    {
        byte[] message = Frame(Binary, new byte[Bytes]);
        for (int i = 0; i < Publications && await echo.TrySendAsync(message, stop); i++)
        {
        }
    }
}
