using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Broker.Client;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Store;
using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd.Native;

/// <summary>Clients that ask the store for more than they take, and clients that do not wait: the real host, real connections.</summary>
public sealed class StoreAbuseTests : StoreHost
{
    private const int MiB = 1024 * 1024;

    [Fact]
    public async Task A_batch_that_names_a_long_value_often_takes_no_memory()
    {
        await using BrokerClient client = await ConnectAsync();
        var store = new StoreClient(client);
        await store.WriteAsync(Bytes("k"), new byte[4 * MiB], Durability.Memory);
        long before = PeakBytes();

        CallFailedException refused = await Assert.ThrowsAsync<CallFailedException>(
            () => store.ReadAsync([.. Enumerable.Repeat((ReadOnlyMemory<byte>)Bytes("k"), 1000)]));

        Assert.Equal(FaultCode.ResultTooBig, refused.Code);
        Assert.InRange(PeakBytes() - before, 0, 100L * MiB);
        Assert.Equal(4 * MiB, (await store.ReadAsync(Bytes("k")))!.Value.Length);
    }

    /// <summary>
    /// The client's share is 128 MiB: two of the results are held, the others are refused with a fault that names the limit. It is
    /// its address's share too, so the client that is served beside it has another address.
    /// </summary>
    [Fact]
    public async Task Two_hundred_unread_results_hold_the_clients_share_and_the_stop_is_bounded()
    {
        await using (BrokerClient writer = await ConnectAsync()) await new StoreClient(writer)
            .WriteAsync(Bytes("k"), new byte[60 * MiB], Durability.Memory);
        long before = PeakBytes();
        using var limit = new CancellationTokenSource(Patience);
        using var greedy = new ClientWebSocket();
        greedy.Options.AddSubProtocol(NativeProtocol.Batched);
        using var elsewhere = new HttpMessageInvoker(SocketsFrom("127.0.0.2"));
        await greedy.ConnectAsync(Host.NativeUri, elsewhere, limit.Token);
        byte[][] calls = [.. Enumerable.Range(1, 200).Select(static i => NativeClient.Call((uint)i, StoreMethods.Read, "k"))];
        await greedy.SendAsync((byte[])[.. NativeClient.Hello()], WebSocketMessageType.Binary, endOfMessage: true, limit.Token);
        await greedy.SendAsync(
            calls.SelectMany(static call => call).ToArray(), WebSocketMessageType.Binary, endOfMessage: true, limit.Token);

        int refused = 0;
        while (refused < 198)
        {
            foreach (string line in await ReceiveAsync(greedy, limit.Token))
            {
                if (!line.StartsWith("fault", StringComparison.Ordinal)) continue;
                refused++;
                Assert.Contains("of at most 134217728 (broker.store.client-read-bytes-max)", line, StringComparison.Ordinal);
            }
        }

        Assert.InRange(PeakBytes() - before, 0, 260L * MiB);
        await using (BrokerClient honest = await ConnectAsync()) Assert.Equal(
            60 * MiB, (await new StoreClient(honest).ReadAsync(Bytes("k")))!.Value.Length);
        Host.SendTerminate();
        await Host.ExpectGracefulEndAsync(Patience);
    }

    [Fact]
    public async Task Writes_that_are_not_awaited_leave_the_last()
    {
        await using BrokerClient client = await ConnectAsync();
        var store = new StoreClient(client);
        for (int run = 0; run < 50; run++)
        {
            Task<ulong>[] writes =
                [.. Enumerable.Range(0, 32).Select(i => store.WriteAsync(Bytes("k"), Bytes($"{run}/{i}"), Durability.Memory))];
            Task<ReadOnlyMemory<byte>?> behind = store.ReadAsync(Bytes("k"));
            ulong[] tails = await Task.WhenAll(writes);

            Assert.Equal($"{run}/31", Text(await behind));
            Assert.Equal(tails.Distinct().Order(), tails);
        }
    }

    [Fact]
    public async Task Writes_that_are_pending_at_the_stop_are_answered()
    {
        await using BrokerClient client = await ConnectAsync();
        var store = new StoreClient(client);
        await store.WriteAsync(Bytes("first"), Bytes("1"), Durability.Disk);
        Task<ulong>[] writes = [.. Enumerable.Range(0, 200).Select(i => store.WriteAsync(Bytes($"k{i}"), new byte[1000], Durability.Disk))];
        await writes[0];
        Host.SendTerminate();

        int acknowledged = 0;
        foreach (Task<ulong> write in writes)
        {
            try
            {
                await write;
                acknowledged++;
            }
            catch (BrokerException)
            {
                // Not begun when the host stopped.
            }
        }

        await Host.ExpectGracefulEndAsync(Patience);
        await Host.StartAgainAsync();
        await using BrokerClient again = await ConnectAsync();
        Assert.Equal((ulong)acknowledged + 1, await new StoreClient(again).CountAsync());
    }

    // Every address of 127.0.0.0/8 is this machine's.
    private static SocketsHttpHandler SocketsFrom(string address) => new()
    {
        ConnectCallback = async (context, stop) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));
            await socket.ConnectAsync(context.DnsEndPoint, stop);
            return new NetworkStream(socket, ownsSocket: true);
        },
    };

    private static async Task<string[]> ReceiveAsync(ClientWebSocket socket, CancellationToken cancellationToken)
    {
        var frame = new MemoryStream();
        byte[] part = new byte[64 * 1024];
        ValueWebSocketReceiveResult got;
        do
        {
            got = await socket.ReceiveAsync(part.AsMemory(), cancellationToken);
            frame.Write(part.AsSpan(0, got.Count));
        }
        while (!got.EndOfMessage);

        Assert.Equal(WebSocketMessageType.Binary, got.MessageType);
        return NativeClient.Describe(frame.ToArray(), batched: true);
    }

    // The kernel's peak of what was resident.
    private long PeakBytes()
    {
        string line = File.ReadLines($"/proc/{Host.Id}/status").First(static line => line.StartsWith("VmHWM:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;
    }
}
