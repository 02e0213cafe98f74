using System.Diagnostics;
using System.Globalization;
using System.Text;
using Broker.Store;
using static Broker.Tests.Store.StoreFolder;

namespace Broker.Tests.Store;

public sealed class CrashTests : IDisposable
{
    /// <summary>Set to a number to kill the writer as many times.</summary>
    private const string KillsVariable = "BROKER_TESTS_STORE_KILLS";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Killed_at_any_moment_all_that_was_acknowledged_is_there_and_no_half_of_a_batch()
    {
        int kills = int.Parse(Environment.GetEnvironmentVariable(KillsVariable) ?? "20", CultureInfo.InvariantCulture);
        var random = new Random(20261122);
        int[] acknowledged = [.. Enumerable.Repeat(-1, CrashingWriter.Writers)];
        for (int kill = 0; kill < kills; kill++)
        {
            await WriteAndKillAsync(acknowledged, linesBefore: random.Next(1, 60));
            Check(acknowledged);
        }
    }

    // What was in the pipe at the kill was acknowledged, too.
    private async Task WriteAndKillAsync(int[] acknowledged, int linesBefore)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet")
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        foreach (string word in (string[])[typeof(CrashTests).Assembly.Location, "crashing-writer", _folder.Path])
            start.ArgumentList.Add(word);
        using Process writer = Process.Start(start)!;
        using var limit = new CancellationTokenSource(s_patience);
        int lines = 0;
        while (await writer.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            string[] words = line.Split(' ');
            if (words.Length == 2 && int.TryParse(words[1], CultureInfo.InvariantCulture, out int round))
                Note(acknowledged, words[0], round);
            if (++lines == linesBefore) writer.Kill();
        }

        await writer.WaitForExitAsync(limit.Token);
        Assert.True(lines >= linesBefore, $"The writer ended by itself with {writer.ExitCode}.");
    }

    private static void Note(int[] acknowledged, string writer, int round)
    {
        ref int last = ref acknowledged[int.Parse(writer, CultureInfo.InvariantCulture)];
        last = Math.Max(last, round);
    }

    private void Check(int[] acknowledged)
    {
        using KeyedStore store = _folder.Open();
        long expected = CheckNumbers(store) + CheckLong(store);
        for (int writer = 0; writer < CrashingWriter.Writers; writer++)
        {
            int last = CrashingWriter.ReadNumber(store, $"w{writer}/last");
            Assert.True(last >= acknowledged[writer], $"Writer {writer} was told of round {acknowledged[writer]}, and {last} is there.");
            expected += last < 0 ? 0 : 1 + (CrashingWriter.KeysPerBatch * (last + 1L));
            for (int round = 0; round <= last; round++) Assert.Equal(CrashingWriter.KeysPerBatch, CountKeys(store, writer, round));
            Assert.Equal(0, CountKeys(store, writer, last + 1));
        }

        Assert.Equal(expected, CountAll(store));
        Assert.Equal(expected, store.Count);
    }

    // The weakest writes may be lost, but only from the end.
    private static long CheckNumbers(KeyedStore store)
    {
        int first = 0;
        while (store.Exists(Bytes($"m/{first}"))) first++;
        Assert.Equal(first, CountPrefix(store, "m/"));
        return first;
    }

    // The value in parts is whole, and nothing is left of those that were not finished or were written over.
    private static int CheckLong(KeyedStore store)
    {
        using PinnedValue? value = store.Read(Bytes(CrashingWriter.LongKey));
        Assert.Equal(
            value is null ? 0 : (CrashingWriter.LongBytes + ValueReader.PieceBytesMax - 1) / ValueReader.PieceBytesMax, store.CountParts());
        if (value is null) return 0;
        Assert.Equal(CrashingWriter.LongBytes, value.Length);
        Assert.Equal(-1, value.GetSpan().IndexOfAnyExcept(value.GetSpan()[0]));
        return 1;
    }

    private static int CountKeys(KeyedStore store, int writer, int round) =>
        Enumerable.Range(0, CrashingWriter.KeysPerBatch).Count(i => store.Exists(Bytes($"w{writer}/{round}/{i}")));

    private static long CountAll(KeyedStore store) => CountPrefix(store, "");

    private static long CountPrefix(KeyedStore store, string prefix)
    {
        long count = 0;
        StorePage page;
        ReadOnlyMemory<byte> after = default;
        do
        {
            page = store.Scan(Encoding.UTF8.GetBytes(prefix), after.Span, 10_000, long.MaxValue);
            count += page.Entries.Count;
            if (page.Entries.Count > 0) after = page.Entries[^1].Key;
        }
        while (page.HasMore);
        return count;
    }
}
