using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Broker.Bench.Load;
using Broker.Bench.Native;

namespace Broker.Bench.Channels;

/// <summary>
/// Clients that are cut at random while publications flow: what each of them missed, and whether it was told. Each server with its own
/// client, one after the other, with the same cuts.
/// </summary>
internal static class ChurnRun
{
    /// <summary>The servers, in their order.</summary>
    public static string[] Servers { get; } = ["broker", "socket.io", "signalr"];

    private static string Node => Path.Combine(Tree.Root, "Broker.Bench", "Peers", "node");

    /// <summary>Runs one server after the other and prints a line for each.</summary>
    /// <returns>1 if Broker lost a publication without a word, or sent one twice or in the wrong order.</returns>
    public static async Task<int> RunAsync(IReadOnlyList<string> servers, int clients, int seconds, int seed, CancellationToken stop)
    {
        if (!Directory.Exists(Path.Combine(Node, "node_modules"))) throw new LoadException($"npm ci has not run in {Node}.");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{clients} clients, each cut once in every 2 s at a random moment, 50 publications a second for {seconds} s, seed {seed}\n"));
        Console.WriteLine(
            "| server | cuts | deliveries due | in order | missed and told | lost silently | twice or out of order | told | server CPU |");
        Console.WriteLine("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
        bool right = true;
        foreach (string server in servers)
        {
            (ChurnCount count, double cpu) = await RunAsync(server, clients, seconds, seed, stop);
            double percent = 100.0 * count.Delivered / count.Published;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {server} | {count.Cuts:N0} | {count.Published:N0} | {count.Delivered:N0} ({percent:F4} %) | {count.Announced:N0} "
                    + $"| {count.Lost:N0} | {count.OutOfOrder:N0} | {count.NotRecovered:N0} times | {cpu:F1} s |"));
            if (server == "broker") right = count is { Lost: 0, OutOfOrder: 0 } && count.Delivered + count.Announced == count.Published;
        }

        return right ? 0 : 1;
    }

    private static async Task<(ChurnCount Count, double Cpu)> RunAsync(
        string server, int clients, int seconds, int seed, CancellationToken stop)
    {
        await using HubProcess process = server switch
        {
            "socket.io" => await HubProcess.StartCommandAsync(["node", Path.Combine(Node, "socket-io.js")], stop),
            "signalr" => await HubProcess.StartAsync(stop, "peer", "signalr"),
            _ => await BrokerHost.StartAsync("""
                broker {
                  api.keys = ["bench"]
                  channels { history { size = 1000, ttl = 5m }, recovery = on }
                }
                """, stop),
        };
        double before = process.CpuSeconds();
        var start = new ProcessStartInfo("node") { RedirectStandardInput = true, RedirectStandardOutput = true };
        string[] words = [Path.Combine(Node, "churn.js"), server, $"{process.Port}", $"{clients}", $"{seconds}", $"{seed}"];
        foreach (string word in words) start.ArgumentList.Add(word);
        using Process driver = Process.Start(start)!;
        using CancellationTokenRegistration killing = stop.Register(driver.Kill);
        string head = await driver.StandardOutput.ReadLineAsync(stop) ?? throw new LoadException($"The clients of {server} ended early.");
        double cpu = process.CpuSeconds() - before;
        long published = JsonDocument.Parse(head).RootElement.GetProperty("published").GetInt64();
        ChurnCount count = default;
        int read = 0;
        while (await driver.StandardOutput.ReadLineAsync(stop) is { } line)
        {
            using JsonDocument client = JsonDocument.Parse(line);
            count += ChurnCount.Of(published, client.RootElement);
            read++;
        }

        return read == clients ? (count, cpu) : throw new LoadException($"{read} of {clients} clients of {server} were written down.");
    }
}
