using System.Globalization;
using System.Text.Json;
using Broker.Bench.Load;
using Broker.Bench.Native;

namespace Broker.Bench.Channels;

/// <summary>One subscriber that never reads among many: the others' latency with it and without it, and what it learns at last.</summary>
internal static class SlowRun
{
    private static readonly string[] s_policies = ["disconnect", "drop-oldest", "drop-newest", "keep-latest"];

    /// <summary>Runs each policy, its rounds without and with the slow reader in turn.</summary>
    /// <param name="generator">The load generator's path.</param>
    /// <param name="rounds">Of each policy.</param>
    /// <param name="seconds">Measured, of each turn.</param>
    /// <param name="stop">Stops it.</param>
    /// <returns>1 if the slow reader knows nothing of a publication.</returns>
    public static async Task<int> RunAsync(string generator, int rounds, double seconds, CancellationToken stop)
    {
        var scenario = new FanOutScenario("slow", Subscribers: 1000, Bytes: 4096, PublicationsASecond: 50);
        Console.WriteLine($"{scenario.Description}; one more subscriber reads nothing until the end\n");
        Console.WriteLine("| policy | p99 without it, each round | p99 with it | resident without, with | what the slow reader learns |");
        Console.WriteLine("| --- | ---: | ---: | ---: | --- |");
        bool right = true;
        foreach (string policy in s_policies)
            right &= await RunAsync(scenario, generator, policy, rounds, seconds, stop);
        return right ? 0 : 1;
    }

    private static async Task<bool> RunAsync(
        FanOutScenario scenario, string generator, string policy, int rounds, double seconds, CancellationToken stop)
    {
        await using HubProcess host = await BrokerHost.StartAsync($$"""
            broker {
              api.keys = ["bench"]
              centrifuge { ping-interval = 1h, pong-limit = 1h }
              channels { history { size = 2000, ttl = 5m }, recovery = on, slow-consumer = {{policy}} }
            }
            """, stop);
        using var http = new HttpClient();
        var load = new Generator(generator, "1");
        List<double> without = [], with = [];
        List<long> idle = [], held = [];
        var reports = new List<SlowReport>();
        await MeasureAsync(host, load, scenario, new Load.Pace(3, 2), stop);
        for (int round = 0; round < rounds; round++)
        {
            host.ResetPeak();
            without.Add(await MeasureAsync(host, load, scenario, new Load.Pace(0.5, seconds), stop));
            idle.Add(host.ResidentKiB(peak: true));

            host.ResetPeak();
            using SlowReader slow = await SlowReader.SubscribeAsync(host.Port, "t0", stop);
            with.Add(await MeasureAsync(host, load, scenario, new Load.Pace(0.5, seconds), stop));
            held.Add(host.ResidentKiB(peak: true));
            JsonElement position = await BrokerHost.AskAsync(http, host, "history", new { channel = "t0", limit = 0 }, stop);
            reports.Add(await slow.ReadAsync(position.GetProperty("offset").GetUInt64(), stop));
        }

        Console.WriteLine(
            $"| `{policy}` | {Each(without)} ms | {Each(with)} ms | {Median(idle) / 1024} MiB, {Median(held) / 1024} MiB "
                + $"| {Text(reports[^1])} |");
        return reports.All(static report => report.Unknown == 0);
    }

    private static async Task<double> MeasureAsync(
        HubProcess host, Generator load, FanOutScenario scenario, Load.Pace pace, CancellationToken stop)
    {
        Reading reading = await load.RunAsync(
            host.Port, host.ProcessId, "slow", scenario.Arguments(Load.Dialects.Centrifuge, pace), TimeSpan.FromMinutes(2), stop);
        return scenario.Fault(reading) is { } fault ? throw new LoadException(fault) : reading["p99"] / 1000;
    }

    private static string Text(SlowReport report)
    {
        string again = report.NotRecovered ? "`recovered: false`" : $"{report.Recovered} recovered";
        string close = report.Close is null ? "" : $"; closed with {report.Close}, then {again}";
        return $"{report.Delivered} publications, {report.Announced} offsets in gaps{close}; unknown: {report.Unknown}";
    }

    private static string Each(List<double> milliseconds) =>
        string.Join(", ", milliseconds.Select(static each => each.ToString("F2", CultureInfo.InvariantCulture)));

    private static long Median(List<long> all) => all.Order().ElementAt(all.Count / 2);
}
