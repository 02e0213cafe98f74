using System.Buffers.Binary;
using System.Globalization;
using Broker.Bench.Load;
using Broker.Bench.Native;
using Broker.Client;
using Broker.Core.Protocol.Store;

namespace Broker.Bench.Calls;

/// <summary>Random reads of the keyed store: the real host on one core, the .NET client on the others; every value is compared.</summary>
internal static class ReadsRun
{
    private const int InFlight = 8;

    public static async Task<int> RunAsync(int count, int batch, int bytes, CancellationToken stop)
    {
        string host = Path.Combine(Tree.Root, "Broker.Host", "bin", "Release", "net10.0", "broker.dll");
        if (!File.Exists(host)) throw new LoadException("The host is not built: dotnet build -c Release Broker.Host");
        DirectoryInfo folder = Directory.CreateTempSubdirectory("broker-bench-");
        try
        {
            await using HubProcess server = await HubProcess.StartAsync(host, stop, "serve", "--reactors", "1", "--store", folder.FullName);
            await using BrokerClient client = await BrokerClient.ConnectAsync(new BrokerClientOptions { Url = server.Url }, stop);
            var store = new StoreClient(client);
            await FillAsync(store, count, bytes, stop);
            foreach (string pass in (string[])["first pass", "second pass"])
                await ReadAsync(server, store, pass, count, batch, bytes, stop);
            return 0;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static async Task FillAsync(StoreClient store, int count, int bytes, CancellationToken stop)
    {
        const int ChangesAtOnce = 2000;
        for (int from = 0; from < count; from += ChangesAtOnce)
        {
            KeyChange[] changes =
                [.. Enumerable.Range(from, Math.Min(ChangesAtOnce, count - from)).Select(i => new KeyChange(KeyOf(i), ValueOf(i, bytes)))];
            await store.WriteAsync(changes, Durability.System, stop);
        }
    }

    private static async Task ReadAsync(
        HubProcess server, StoreClient store, string pass, int count, int batch, int bytes, CancellationToken stop)
    {
        var random = new Random(20261122);
        int calls = count / batch;
        int next = 0;
        double cpu = server.CpuSeconds();
        long began = TimeProvider.System.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, InFlight).Select(_ => Task.Run(WorkAsync, stop)));
        double took = TimeProvider.System.GetElapsedTime(began).TotalSeconds;
        cpu = server.CpuSeconds() - cpu;
        double reads = (double)calls * batch;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{pass}: {reads:N0} random reads of {bytes} bytes among {count:N0} keys, {batch} a call, {InFlight} calls in flight: "
                + $"{took:F2} s, {reads / took:N0}/s, {cpu / reads * 1e6:F2} µs of the host each"));

        async Task WorkAsync()
        {
            while (Interlocked.Increment(ref next) <= calls)
            {
                int[] numbers = new int[batch];
                lock (random)
                {
                    for (int i = 0; i < batch; i++) numbers[i] = random.Next(count);
                }

                ReadOnlyMemory<byte>[] keys = [.. numbers.Select(KeyOf)];
                IReadOnlyList<ReadOnlyMemory<byte>?> values = await store.ReadAsync(keys, stop);
                for (int i = 0; i < batch; i++)
                {
                    if (values[i] is not { } value || !value.Span.SequenceEqual(ValueOf(numbers[i], bytes).Span))
                        throw new LoadException($"Key {numbers[i]} has another value.");
                }
            }
        }
    }

    private static ReadOnlyMemory<byte> KeyOf(int number)
    {
        byte[] key = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(key, number);
        return key;
    }

    private static ReadOnlyMemory<byte> ValueOf(int number, int bytes)
    {
        byte[] value = new byte[bytes];
        value.AsSpan().Fill((byte)number);
        return value;
    }
}
