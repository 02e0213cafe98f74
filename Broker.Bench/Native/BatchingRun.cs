using System.Globalization;
using Broker.Core.Native;

namespace Broker.Bench.Native;

/// <summary>The same publications, of 120 bytes each and answered each, 64 in flight: one a frame, and as many a frame as there are.</summary>
internal static class BatchingRun
{
    private const int InFlight = 64;
    private const int MessageBytes = 120;

    public static async Task<int> RunAsync(int seconds, CancellationToken stop)
    {
        await using HubProcess hub = await HubProcess.StartAsync(stop);
        Console.WriteLine("connections  way                              messages/s   hub's µs/message   messages per CPU second");
        foreach (int connections in (int[])[1, 100])
        {
            double unbatched = await MeasureAsync(hub, connections, batched: false, gathered: false, "v2, a write for each frame", seconds, stop);
            await MeasureAsync(hub, connections, batched: false, gathered: true, "v2, one write for all frames", seconds, stop);
            double batched = await MeasureAsync(hub, connections, batched: true, gathered: true, "v3", seconds, stop);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{connections,11}  v3 over v2: {batched / unbatched:F2} times the messages per CPU second"));
        }

        return 0;
    }

    private static async Task<double> MeasureAsync(HubProcess hub, int connections, bool batched, bool gathered, string way, int seconds, CancellationToken stop)
    {
        byte[] message = NativeWriter.Message(new Publish { Request = 1, Channel = "bench"u8, Data = new byte[MessageBytes - 16] });
        byte[] one = RawClient.Frame(message);
        byte[][] many = [.. Enumerable.Range(0, InFlight + 1).Select(count => batched ? RawClient.Frame(Repeat(message, count)) : Repeat(one, count))];

        var clients = new List<RawClient>();
        for (int i = 0; i < connections; i++) clients.Add(await RawClient.ConnectAsync(hub.Port, batched, stop));
        long answered = 0;
        bool over = false;
        Task[] running = [.. clients.Select(client => Task.Run(() => RunAsync(client), stop))];
        await Task.Delay(TimeSpan.FromSeconds(2), stop);

        long before = Volatile.Read(ref answered);
        double cpu = hub.CpuSeconds();
        long began = TimeProvider.System.GetTimestamp();
        await Task.Delay(TimeSpan.FromSeconds(seconds), stop);
        double messages = Volatile.Read(ref answered) - before;
        cpu = hub.CpuSeconds() - cpu;
        double took = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
        Volatile.Write(ref over, true);
        await Task.WhenAll(running);
        foreach (RawClient client in clients) client.Dispose();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{connections,11}  {way,-30} {messages / took,12:N0}   {cpu / messages * 1e6,16:F2}   {messages / cpu,23:N0}"));
        return messages / cpu;

        async Task RunAsync(RawClient client)
        {
            int free = InFlight;
            while (!Volatile.Read(ref over))
            {
                if (gathered) await client.SendAsync(many[free], stop);
                else for (int i = 0; i < free; i++) await client.SendAsync(one, stop);
                free = await client.ReceiveAsync(messages: 1, stop);
                Interlocked.Add(ref answered, free);
            }
        }
    }

    private static byte[] Repeat(byte[] bytes, int count) => [.. Enumerable.Repeat(bytes, count).SelectMany(each => each)];
}
