using System.Globalization;
using Broker.Bench.Native;

namespace Broker.Bench.Calls;

/// <summary>Small calls: answers a second, and what one costs the server, beside SignalR in the same rounds.</summary>
internal static class InvokeRun
{
    internal const string ArgumentText = "0123456789abcdef";

    private const int InFlight = 64;

    internal static ReadOnlySpan<byte> Argument => "0123456789abcdef"u8;

    public static async Task<int> RunAsync(int seconds, int rounds, CancellationToken stop)
    {
        await using HubProcess broker = await HubProcess.StartAsync(stop);
        await using HubProcess signalR = await HubProcess.StartAsync(stop, "peer", "signalr");
        Console.WriteLine("connections  server     calls/s   server's µs/call   calls per CPU second");
        foreach (int connections in (int[])[1, 100])
        {
            var ratios = new List<double>();
            for (int round = 0; round < rounds; round++)
            {
                double ours = await MeasureAsync(broker, "broker", BrokerInvoker.ConnectAsync, connections, seconds, stop);
                double theirs = await MeasureAsync(signalR, "signalr", SignalRInvoker.ConnectAsync, connections, seconds, stop);
                ratios.Add(ours / theirs);
            }

            ratios.Sort();
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{connections,11}  broker over signalr: {ratios[ratios.Count / 2]:F2} times the calls per CPU second, median of {rounds}"));
        }

        return 0;
    }

    private static async Task<double> MeasureAsync(
        HubProcess server, string name, Func<int, CancellationToken, Task<IInvoker>> connect, int connections, int seconds, CancellationToken stop)
    {
        var invokers = new List<IInvoker>();
        for (int i = 0; i < connections; i++) invokers.Add(await connect(server.Port, stop));
        long answered = 0;
        bool over = false;
        Task[] running = [.. invokers.Select(invoker => Task.Run(() => RunAsync(invoker), stop))];
        await Task.Delay(TimeSpan.FromSeconds(2), stop);

        long before = Volatile.Read(ref answered);
        double cpu = server.CpuSeconds();
        long began = TimeProvider.System.GetTimestamp();
        await Task.Delay(TimeSpan.FromSeconds(seconds), stop);
        double calls = Volatile.Read(ref answered) - before;
        cpu = server.CpuSeconds() - cpu;
        double took = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
        Volatile.Write(ref over, true);
        await Task.WhenAll(running);
        foreach (IInvoker invoker in invokers) invoker.Dispose();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{connections,11}  {name,-7}   {calls / took,9:N0}   {cpu / calls * 1e6,16:F2}   {calls / cpu,20:N0}"));
        return calls / cpu;

        async Task RunAsync(IInvoker invoker)
        {
            int free = InFlight;
            while (!Volatile.Read(ref over))
            {
                await invoker.CallAsync(free, stop);
                free = await invoker.AnswersAsync(stop);
                Interlocked.Add(ref answered, free);
            }
        }
    }
}
