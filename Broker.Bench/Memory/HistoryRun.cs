using System.Diagnostics;
using System.Globalization;
using Broker.Actors.Channels.History;
using Broker.Actors.Model;

namespace Broker.Bench.Memory;

/// <summary>Publishes once to each of very many channels with a history, in memory.</summary>
internal static class HistoryRun
{
    private const int AtFirst = 1000, DataBytes = 100;

    public static int Run(int count)
    {
        var options = new HistoryOptions { Size = 100, Ttl = TimeSpan.FromHours(1) };
        using var store = new MemoryHistoryStore(TimeProvider.System, new HistoryBudget(long.MaxValue));
        Append(0, AtFirst);
        Footprint before = Footprint.Collected(out _);
        long start = Stopwatch.GetTimestamp();
        Append(AtFirst, AtFirst + count);
        Footprint.Print(
            "channel with one publication of 100 B, its name of 17 characters included", count, Stopwatch.GetElapsedTime(start), before);
        return 0;

        void Append(int from, int to)
        {
            for (int number = from; number < to; number++)
            {
                string channel = string.Create(CultureInfo.InvariantCulture, $"channel:{number:D9}");
                store.Append(channel, new HistoryAppend(new Publication { Data = new byte[DataBytes], IsJson = true }), options);
            }
        }
    }
}
