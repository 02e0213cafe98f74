using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Broker.Bench.Load;
using Broker.Bench.Native;

namespace Broker.Bench.Channels;

/// <summary>Very many clients lose their connections, miss publications, and come back at once.</summary>
internal static class RecoveryRun
{
    private const int HandshakesAtOnce = 256, ClientsPerAddress = 5000;

    private const string Settings = """
        broker {
          api.keys = ["bench"]
          listen.connections-max = 20000
          centrifuge { ping-interval = 1h, pong-limit = 1h }
          channels { history { size = 1000, ttl = 5m }, recovery = on }
        }
        """;

    /// <summary>Runs it so often, and prints a line for each.</summary>
    public static async Task<int> RunAsync(int clients, int publications, int bytes, int rounds, CancellationToken stop)
    {
        await using HubProcess host = await BrokerHost.StartAsync(Settings, stop);
        using var http = new HttpClient();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"{clients:N0} clients, {publications} publications of {bytes} B missed by each\n"));
        Console.WriteLine(
            "| round | all recovered in | p50, p99 of a client | host CPU | resident: idle clients, peak while they recover, after |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: |");
        for (int round = 1; round <= rounds; round++)
        {
            string channel = string.Create(CultureInfo.InvariantCulture, $"round{round}");
            RecoveringClient[] before =
                await SubscribeAllAsync(host, clients, $"{{\"channel\":\"{channel}\"}}", expected: null, latencies: null, stop);
            JsonElement position = await BrokerHost.AskAsync(http, host, "history", new { channel, limit = 0 }, stop);
            string epoch = position.GetProperty("epoch").GetString()!;
            long idle = host.ResidentKiB(peak: false);
            foreach (RecoveringClient client in before) client.Dispose();
            await LeftAsync(http, host, channel, stop);
            string data = new('x', bytes - 2);
            for (int i = 0; i < publications; i++) await BrokerHost.AskAsync(http, host, "publish", new { channel, data }, stop);

            host.ResetPeak();
            double cpu = host.CpuSeconds();
            double[] latencies = new double[clients];
            long start = Stopwatch.GetTimestamp();
            string recover = $"{{\"channel\":\"{channel}\",\"recover\":true,\"epoch\":\"{epoch}\",\"offset\":0}}";
            RecoveringClient[] back = await SubscribeAllAsync(host, clients, recover, publications, latencies, stop);
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            cpu = host.CpuSeconds() - cpu;
            long peak = host.ResidentKiB(peak: true);
            Array.Sort(latencies);
            await Task.Delay(TimeSpan.FromSeconds(1), stop);
            long after = host.ResidentKiB(peak: false);
            double rate = (double)clients * publications / took.TotalSeconds / 1e6;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {round} | {took.TotalSeconds:F2} s, {rate:F2} M publications/s "
                    + $"| {latencies[clients / 2]:F1} ms, {latencies[clients * 99 / 100]:F1} ms | {cpu:F2} s "
                    + $"| {idle / 1024} MiB, {peak / 1024} MiB, {after / 1024} MiB |"));
            foreach (RecoveringClient client in back) client.Dispose();
            await LeftAsync(http, host, channel, stop);
        }

        return 0;
    }

    // Each with its own connection, so many handshakes at once; checked against what is expected.
    private static async Task<RecoveringClient[]> SubscribeAllAsync(
        HubProcess host, int clients, string subscribe, int? expected, double[]? latencies, CancellationToken stop)
    {
        var all = new RecoveringClient[clients];
        var handshakes = new ParallelOptions { MaxDegreeOfParallelism = HandshakesAtOnce, CancellationToken = stop };
        await Parallel.ForAsync(0, clients, handshakes, async (i, token) =>
        {
            all[i] = new RecoveringClient();
            long start = Stopwatch.GetTimestamp();
            var source = new IPAddress([127, 0, 0, (byte)(1 + (i / ClientsPerAddress))]);
            (string answer, int publications) = await all[i].SubscribeAsync(host.Port, source, subscribe, token);
            if (latencies is not null) latencies[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            bool isWrong = expected is { } count
                && (publications != count || !answer.Contains("\"recovered\":true", StringComparison.Ordinal));
            if (isWrong || answer.Contains("\"error\"", StringComparison.Ordinal))
                throw new LoadException($"{publications} publications, and the answer {answer}");
        });
        return all;
    }

    // Until the host knows that the clients are gone.
    private static async Task LeftAsync(HttpClient http, HubProcess host, string channel, CancellationToken stop)
    {
        while (true)
        {
            JsonElement listed = await BrokerHost.AskAsync(http, host, "channels", new { pattern = channel }, stop);
            if (!listed.GetProperty("channels").EnumerateObject().Any()) return;
            await Task.Delay(TimeSpan.FromMilliseconds(100), stop);
        }
    }
}
