using System.Globalization;
using Broker.Bench.Native;

namespace Broker.Bench.Calls;

/// <summary>Small calls: answers a second, and what one costs the server, beside SignalR in the same rounds.</summary>
internal static class InvokeRun
{
    internal const string ArgumentText = "0123456789abcdef";

    private static readonly TimeSpan s_warmAtFirst = TimeSpan.FromSeconds(15);    // The runtime compiles what runs often.
    private static readonly TimeSpan s_warm = TimeSpan.FromSeconds(1);

    private static readonly Contestant[] s_contestants =
    [
        new("broker, quick", [], BrokerInvoker.Of("quick")),
        new("broker", [], BrokerInvoker.Of("same")),
        new("signalr, json", ["peer", "signalr"], SignalRInvoker.Of(new SignalRJson())),
        new("signalr, messagepack", ["peer", "signalr"], SignalRInvoker.Of(new SignalRMessagePack())),
    ];

    internal static ReadOnlySpan<byte> Argument => "0123456789abcdef"u8;

    /// <summary>Each server in a process of its own, in turn.</summary>
    public static async Task<int> RunAsync(TimeSpan measured, int rounds, int[] connections, CancellationToken stop)
    {
        var servers = new List<HubProcess>();
        try
        {
            foreach (Contestant contestant in s_contestants) servers.Add(await HubProcess.StartAsync(stop, contestant.Command));
            foreach (int count in connections) await CompareAsync(servers, count, measured, rounds, stop);
            return 0;
        }
        finally
        {
            foreach (HubProcess server in servers) await server.DisposeAsync();
        }
    }

    private static async Task CompareAsync(List<HubProcess> servers, int connections, TimeSpan measured, int rounds, CancellationToken stop)
    {
        var paces = s_contestants.Select(_ => new List<Pace>()).ToArray();
        for (int round = 0; round < rounds; round++)
        {
            for (int i = 0; i < servers.Count; i++)
            {
                Pace pace = await ClosedLoop.MeasureAsync(
                    servers[i], s_contestants[i].Connect, connections, round == 0 ? s_warmAtFirst : s_warm, measured, stop);
                paces[i].Add(pace);
                Console.WriteLine($"{connections,3} connections  {s_contestants[i].Name,-20} {pace}");
            }
        }

        // The ratio of each round, as the machine is not as fast in the next one.
        for (int ours = 0; ours < 2; ours++)
        {
            for (int theirs = 2; theirs < s_contestants.Length; theirs++)
            {
                double[] ratios = [.. paces[ours].Zip(paces[theirs], (one, other) => one.PerCpuSecond / other.PerCpuSecond).Order()];
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                        $"{connections,3} connections  {s_contestants[ours].Name} over {s_contestants[theirs].Name}: "
                            + $"{ratios[ratios.Length / 2]:F2} times the calls per CPU second, median of {rounds}"));
            }
        }
    }

    private sealed record Contestant(string Name, string[] Command, Func<int, CancellationToken, Task<IAsker>> Connect);
}
