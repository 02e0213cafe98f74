using System.Globalization;
using Broker.Core.Protocol.Messages;

namespace Broker.Bench.Native;

/// <summary>
/// 100,000 fast calls on one connection, 16 at a time: alone, and while 1,000 slow ones are pending on the same connection.
/// </summary>
internal static class CallsRun
{
    private const int Fast = 100_000;
    private const int Slow = 1_000;
    private const int InFlight = 16;

    public static async Task<int> RunAsync(CancellationToken stop)
    {
        await using HubProcess hub = await HubProcess.StartAsync(stop);
        using RawClient client = await RawClient.ConnectAsync(hub.Port, batched: true, stop);
        await RunFastAsync(client, new Latencies("warm-up"), stop);

        for (int round = 0; round < 2; round++)
        {
            var alone = new Latencies("16 fast calls, alone");
            double rate = await RunFastAsync(client, alone, stop);
            Write(alone, rate);

            byte[] slow = [.. Enumerable.Range(0, Slow).SelectMany(i => CallOf(100_000 + (uint)i, "slow"))];
            await client.SendAsync(RawClient.Frame(slow), stop);
            var beside = new Latencies("beside 1,000 slow calls");
            long began = TimeProvider.System.GetTimestamp();
            rate = await RunFastAsync(client, beside, stop);
            bool isPending = TimeProvider.System.GetElapsedTime(began) < NativeHub.SlowTime;
            Write(beside, rate);
            Console.WriteLine(isPending ? "all of them were pending to the end" : "the slow ones have ended before");
            await client.ReceiveAsync(Slow, stop);
        }

        return 0;
    }

    private static async Task<double> RunFastAsync(RawClient client, Latencies into, CancellationToken stop)
    {
        byte[] frame = RawClient.Frame([.. Enumerable.Range(0, InFlight).SelectMany(i => CallOf((uint)i, "same"))]);
        long began = TimeProvider.System.GetTimestamp();
        for (int sent = 0; sent < Fast; sent += InFlight)
        {
            long start = TimeProvider.System.GetTimestamp();
            await client.SendAsync(frame, stop);
            await client.ReceiveAsync(InFlight, stop);
            into.Add(TimeProvider.System.GetElapsedTime(start));
        }

        return Fast / TimeProvider.System.GetElapsedTime(began).TotalSeconds;
    }

    private static byte[] CallOf(uint id, string method) =>
        NativeWriter.Message(new Call { Id = id, Method = MethodId.Of(method), DeadlineMilliseconds = 60_000, Arguments = new byte[100] });

    private static void Write(Latencies latencies, double rate) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{latencies}   {rate,9:N0} calls/s"));
}
