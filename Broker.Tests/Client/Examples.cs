using System.Text;
using Broker.Client;
using Broker.Core.Protocol.Store;

namespace Broker.Tests.Client;

/// <summary>The code of docs/CLIENT.md, so that it compiles; a test compares the two.</summary>
internal static class Examples
{
    public static async Task ConnectAsync()
    {
        await using BrokerClient client = await BrokerClient.ConnectAsync(new BrokerClientOptions
        {
            Url = new Uri("ws://localhost:8000/ws"),
            Token = Encoding.UTF8.GetBytes("sesam"),
        });
        client.StateChanged += state => Console.Error.WriteLine($"{state}, {client.LastClose.Text}");
    }

    public static async Task PublishAsync(BrokerClient client)
    {
        PublishReceipt receipt = await client.PublishAsync("news", Encoding.UTF8.GetBytes("hello"));
        Console.WriteLine($"{receipt.Receivers} hear it; it is number {receipt.Offset}.");
    }

    public static async Task SubscribeAsync(BrokerClient client, CancellationToken stop)
    {
        await using Subscription news = await client.SubscribeAsync("news", cancellationToken: stop);
        await foreach (Delivery delivery in news.WithCancellation(stop))
        {
            if (delivery.GapBefore != Gap.None) Console.WriteLine($"something is missing here: {delivery.Missed} or more");
            Console.WriteLine(Encoding.UTF8.GetString(delivery.Data.Span));
        }
    }

    public static async Task CallAsync(BrokerClient client, CancellationToken stop)
    {
        try
        {
            ReadOnlyMemory<byte> result = await client.CallAsync(
                "resize", new byte[10_000_000], new CallSettings { Deadline = TimeSpan.FromSeconds(5) }, stop);
            Console.WriteLine($"{result.Length} bytes");
        }
        catch (CallFailedException failed)
        {
            Console.WriteLine($"{failed.Code}: {failed.Text}");
        }

        Func<int[], CancellationToken, Task<int>> sum = client.Method<int[], int>("sum");
        Console.WriteLine(await sum([1, 2, 3], stop));
    }

    public static async Task AnswerAsync()
    {
        var methods = new ClientMethods();
        methods.Add("screenshot",
            async (arguments, cancellationToken) => await CaptureAsync(Encoding.UTF8.GetString(arguments.Span), cancellationToken));
        methods.AddWithItems("lines", async (call, cancellationToken) =>
        {
            await foreach (ReadOnlyMemory<byte> path in call.Items)
            {
                await foreach (
                    string line in File.ReadLinesAsync(Encoding.UTF8.GetString(path.Span), cancellationToken)) await call.SendAsync(
                        Encoding.UTF8.GetBytes(line), cancellationToken);
            }

            return default;
        });
        methods.Failed += (method, failure) => Console.Error.WriteLine($"{method}: {failure.Message}");
        await using BrokerClient client = await BrokerClient.ConnectAsync(new BrokerClientOptions
        {
            Url = new Uri("ws://localhost:8000/ws"),
            Methods = methods,
        });
    }

    private static ValueTask<ReadOnlyMemory<byte>> CaptureAsync(string screen, CancellationToken cancellationToken) =>
        new(Encoding.UTF8.GetBytes($"{screen} {cancellationToken.IsCancellationRequested}"));

    public static async Task StoreAsync(BrokerClient client)
    {
        var store = new StoreClient(client);
        byte[] key = Encoding.UTF8.GetBytes("users/7");
        await store.WriteAsync(key, Encoding.UTF8.GetBytes("Ada"), Durability.Disk);
        ReadOnlyMemory<byte>? value = await store.ReadAsync(key);
        await foreach (KeyValue entry in store.ScanAsync(Encoding.UTF8.GetBytes("users/"))) Console.WriteLine(entry.Value.Length);
    }

    public static async Task LargeValuesAsync(
        StoreClient store, byte[] key, Stream target, IProgress<TransferProgress> progress, CancellationToken stop)
    {
        using FileStream film = File.OpenRead("film.mp4");
        await store.Streams.WriteAsync(key, film, Durability.Disk, new CallSettings { Upload = progress }, stop);
        long? length =
            await store.Streams.ReadAsync(key, target, settings: new CallSettings { Download = progress }, cancellationToken: stop);
        await foreach (ScannedEntry entry in store.Streams.ScanAsync(keysOnly: true, cancellationToken: stop)) Console.WriteLine(
            $"{entry.ValueLength} bytes");
    }
}
