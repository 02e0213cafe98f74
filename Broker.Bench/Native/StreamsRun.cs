using System.Globalization;
using Broker.Bench.Load;
using Broker.Client;
using Broker.Core.Protocol.Messages;

namespace Broker.Bench.Native;

/// <summary>
/// One client uploads 64 MiB, as a publication that it receives itself, or as one that no one receives, and downloads 64 MiB, as the
/// result of a call. Meanwhile it and another client ping and call; and a third sends wrong chunks.
/// </summary>
internal static class StreamsRun
{
    private const double LimitMilliseconds = 20;

    public static async Task<int> RunAsync(int rounds, CancellationToken stop)
    {
        await using HubProcess hub = await HubProcess.StartAsync(stop);
        await using BrokerClient client = await BrokerClient.ConnectAsync(new BrokerClientOptions { Url = hub.Url }, stop);
        await using BrokerClient other = await BrokerClient.ConnectAsync(new BrokerClientOptions { Url = hub.Url }, stop);
        byte[] upload = new byte[NativeHub.BlobBytes];
        Random.Shared.NextBytes(upload);

        // Small work first, so that code is compiled and buffers are there.
        for (int i = 0; i < 3000; i++)
        {
            await client.PingAsync(stop);
            await client.CallAsync("same", new byte[100], cancellationToken: stop);
        }

        await client.PublishAsync("nobody", upload.AsMemory(0, 2 * 1024 * 1024), cancellationToken: stop);
        long before = hub.ResidentKiB(peak: false);
        hub.ResetPeak();
        await PairAsync(client, upload, stop);
        long grown = hub.ResidentKiB(peak: true) - before;
        long allowed = ((2 * NativeHub.BlobBytes) + (4 * 1024 * 1024)) / 1024;
        Write($"memory: {before / 1024.0:F1} MiB before, {grown / 1024.0:F1} MiB more at the peak of one pair; both payloads and 2 MiB "
            + $"each are {allowed / 1024.0:F1} MiB");

        Latencies[] all = [new("own ping"), new("own call of 100 B"), new("another's ping"), new("another's call of 100 B")];
        using var over = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task[] probes =
        [
            ProbeAsync(all[0], async () => { await client.PingAsync(stop); }, over.Token),
            ProbeAsync(all[1], async () => { await client.CallAsync("same", new byte[100], cancellationToken: stop); }, over.Token),
            ProbeAsync(all[2], async () => { await other.PingAsync(stop); }, over.Token),
            ProbeAsync(all[3], async () => { await other.CallAsync("same", new byte[100], cancellationToken: stop); }, over.Token),
            SendWrongChunksAsync(hub.Port, over.Token),
        ];
        long began = TimeProvider.System.GetTimestamp();
        double cpu = hub.CpuSeconds();
        for (int i = 0; i < rounds; i++) await PairAsync(client, upload, stop);
        TimeSpan took = TimeProvider.System.GetElapsedTime(began);
        cpu = hub.CpuSeconds() - cpu;
        await over.CancelAsync();
        await Task.WhenAll(probes);

        double mebibytes = 2.0 * rounds * NativeHub.BlobBytes / (1024 * 1024);
        Write($"{rounds} pairs in {took.TotalSeconds:F1} s: {mebibytes / took.TotalSeconds:F0} MiB/s in both directions together, "
            + $"{cpu / mebibytes * 1000:F2} ms of the hub's processor for each MiB");
        foreach (Latencies each in all) Console.WriteLine(each);
        bool met = grown <= allowed && all.All(each => each.At(0.99) < LimitMilliseconds);
        Console.WriteLine(met ? "met: p99 under 20 ms, memory within the payloads and 2 MiB each" : "MISSED");
        return met ? 0 : 1;
    }

    private static async Task PairAsync(BrokerClient client, byte[] upload, CancellationToken stop)
    {
        Task<PublishReceipt> up = client.PublishAsync("nobody", upload, cancellationToken: stop);
        ReadOnlyMemory<byte> down = await client.CallAsync("blob", default, cancellationToken: stop);
        if (down.Length != NativeHub.BlobBytes || down.Span.ContainsAnyExcept((byte)7))
            throw new LoadException("The download is not what was sent.");
        await up;
    }

    private static async Task ProbeAsync(Latencies into, Func<Task> ask, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            long began = TimeProvider.System.GetTimestamp();
            await ask();
            into.Add(TimeProvider.System.GetElapsedTime(began));
            await Task.Delay(1, CancellationToken.None);
        }
    }

    // Each is answered with its error, and no other component notices.
    private static async Task SendWrongChunksAsync(int port, CancellationToken stop)
    {
        using RawClient client = await RawClient.ConnectAsync(port, batched: true, stop);
        byte[] wrong = NativeWriter.Message(new Chunk { Stream = 1, Index = 7, Total = 3, Data = new byte[1000] });
        while (!stop.IsCancellationRequested)
        {
            await client.SendAsync(RawClient.Frame(wrong), CancellationToken.None);
            await client.ReceiveAsync(messages: 1, CancellationToken.None);
            await Task.Delay(5, CancellationToken.None);
        }
    }

    private static void Write(FormattableString line) => Console.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
