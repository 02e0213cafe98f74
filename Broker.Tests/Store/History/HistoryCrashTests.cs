using System.Diagnostics;
using System.Globalization;
using System.Text;
using Broker.Actors.Channels.History;
using Broker.Actors.Model;
using Broker.Store.History;

namespace Broker.Tests.Store.History;

public sealed class HistoryCrashTests
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Killed_at_any_moment_epochs_go_on_and_acknowledged_publications_are_there()
    {
        using var folder = new StoreFolder();
        var random = new Random(20261129);
        var acknowledged = new Dictionary<int, StreamPosition>();
        for (int kill = 0; kill < 5; kill++)
        {
            await AppendAndKillAsync(folder.Path, acknowledged, random.Next(1, 200));
            await CheckAsync(folder.Path, acknowledged);
        }
    }

    private static async Task AppendAndKillAsync(string folder, Dictionary<int, StreamPosition> acknowledged, int linesBefore)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
            { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (string word in (string[])[typeof(HistoryCrashTests).Assembly.Location, "crashing-history", folder])
            start.ArgumentList.Add(word);
        using Process process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(s_patience);
        int lines = 0;
        while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            // The kill may cut the last one.
            if (line.Split(' ') is [var channel, var epoch, var offset] && lines < linesBefore)
                acknowledged[int.Parse(channel, CultureInfo.InvariantCulture)] =
                    new StreamPosition(ulong.Parse(epoch, CultureInfo.InvariantCulture), ulong.Parse(offset, CultureInfo.InvariantCulture));
            if (++lines == linesBefore) process.Kill();
        }

        await process.WaitForExitAsync(limit.Token);
        Assert.True(lines >= linesBefore, $"The process ended by itself with {process.ExitCode}.");
    }

    private static async Task CheckAsync(string folder, Dictionary<int, StreamPosition> acknowledged)
    {
        using DurableHistories histories = DurableHistories.Open(folder, TimeProvider.System, new HistoryBudget(1 << 20));
        IHistoryStore store = histories.Open(0, 1);
        foreach ((int channel, StreamPosition last) in acknowledged)
        {
            HistoryPage page = await store.ReadAsync($"c{channel}", HistoryQuery.All, CrashingHistory.OptionsOf(channel));
            Assert.Equal(last.Epoch, page.Top.Epoch);
            Assert.True(page.Top.Offset >= last.Offset, $"{last.Offset} was acknowledged in {channel}, and {page.Top.Offset} is the last.");
            Assert.Equal(Math.Min((ulong)CrashingHistory.Size, page.Top.Offset), (ulong)page.Publications.Count);
            Assert.All(page.Publications, each => Assert.Equal($"{each.Offset}", Encoding.UTF8.GetString(each.Data.Span)));
        }
    }
}
