using System.Text;
using Broker.Actors.Channels.History;
using Broker.Actors.Model;
using Broker.Store.History;

namespace Broker.Tests.Store.History;

/// <summary>Appends to channels of both durabilities, says what was acknowledged, and waits to be killed.</summary>
internal static class CrashingHistory
{
    public const int Channels = 4, Size = 50;

    public static HistoryOptions Synced { get; } = new() { Size = Size, Ttl = TimeSpan.FromHours(1), Durability = HistoryDurability.Fsync };

    public static HistoryOptions Unsynced { get; } =
        new() { Size = Size, Ttl = TimeSpan.FromHours(1), Durability = HistoryDurability.None };

    public static HistoryOptions OptionsOf(int channel) => channel % 2 == 0 ? Synced : Unsynced;

    public static async Task RunAsync(string folder)
    {
        DurableHistories histories = DurableHistories.Open(folder, TimeProvider.System, new HistoryBudget(1 << 20));
        IHistoryStore store = histories.Open(0, 1);
        var output = TextWriter.Synchronized(new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true });
        for (int i = 0; i < Channels; i++) _ = AppendAsync(store, i, output);
        await Console.In.ReadToEndAsync();
    }

    private static async Task AppendAsync(IHistoryStore store, int channel, TextWriter output)
    {
        await Task.Yield();
        ulong next = (await store.ReadAsync($"c{channel}", HistoryQuery.PositionOnly, OptionsOf(channel))).Top.Offset + 1;
        for (; ; next++)
        {
            AppendResult result =
                await store.AppendAsync(
                    $"c{channel}", new HistoryAppend(new Publication { Data = Encoding.UTF8.GetBytes($"{next}") }), OptionsOf(channel));
            await output.WriteLineAsync($"{channel} {result.Position.Epoch} {result.Position.Offset}");
        }
    }
}
