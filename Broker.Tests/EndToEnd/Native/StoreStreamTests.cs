using System.Globalization;
using System.Net.WebSockets;
using System.Security.Cryptography;
using Broker.Client;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;

namespace Broker.Tests.EndToEnd.Native;

/// <summary>Large values and scans, piece by piece, through the real host process.</summary>
public sealed class StoreStreamTests : StoreHost
{
    private const int LargeBytes = 80 * 1024 * 1024;
    private const long MiB = 1024 * 1024;

    // Who takes nothing, and so receives no ping, is not disconnected before the others are done, however slow the machine.
    private protected override IReadOnlyDictionary<string, string> Variables { get; } = new Dictionary<string, string>
    {
        ["BROKER_REACTOR_BLOCKED_LIMIT"] = "10m",
        ["BROKER_CENTRIFUGE_PING_INTERVAL"] = "1h",
    };

    [Fact]
    public async Task A_value_of_80_MiB_goes_in_and_comes_out_with_its_hash_and_neither_side_ever_holds_it()
    {
        await using BrokerClient client = await ConnectAsync();
        var store = new StoreClient(client);
        await store.WriteAsync(Bytes("warm"), Bytes("up"), Durability.Disk);
        long before = Host.ResidentBytes;
        var sent = new Progress();
        var come = new Progress();

        using var source = new PatternStream(LargeBytes);
        ulong tail =
            await store.Streams.WriteAsync(Bytes("large"), source, Durability.Disk, new CallSettings { Upload = sent }).WaitAsync(Patience);
        using var target = new HashedStream();
        long? length =
            await store.Streams.ReadAsync(Bytes("large"), target, settings: new CallSettings { Download = come }).WaitAsync(Patience);

        Assert.True(tail > 0);
        Assert.Equal(LargeBytes, length);
        Assert.Equal(source.Hash(), target.Hash());
        Assert.Equal((new TransferProgress(LargeBytes, LargeBytes), new TransferProgress(LargeBytes, LargeBytes)), (sent.Last, come.Last));
        Assert.Equal(2ul, await store.CountAsync());

        // Of what the process has grown, two write buffers of 64 MiB are the database's own: a hub that held the value, which it
        // reads and writes at once as one would, would have 80 MiB more each time.
        Assert.InRange(Host.ResidentBytes - before, 0, 250 * MiB);
        CallFailedException whole = await Assert.ThrowsAsync<CallFailedException>(() => store.ReadAsync(Bytes("large")));
        Assert.Equal(FaultCode.ResultTooBig, whole.Code);
        Assert.True(await store.DeleteAsync(Bytes("large"), Durability.Disk));
        Assert.Null(await store.Streams.ReadAsync(Bytes("large"), Stream.Null));
    }

    [Fact]
    public async Task Killed_in_the_middle_of_a_write_the_hub_has_the_old_value_whole_and_nothing_of_the_new()
    {
        byte[] old = RandomNumberGenerator.GetBytes(1_000_000);
        await using (BrokerClient client = await ConnectAsync())
        {
            var store = new StoreClient(client);
            await store.Streams.WriteAsync(Bytes("k"), new MemoryStream(old), Durability.Disk).WaitAsync(Patience);
            using var source = new PatternStream(LargeBytes);
            var half = new Progress(LargeBytes / 2);
            Task<ulong> writing = store.Streams.WriteAsync(Bytes("k"), source, Durability.Disk, new CallSettings { Upload = half });
            await half.Reached.WaitAsync(Patience);
            await Host.CrashAsync();
            await Assert.ThrowsAnyAsync<BrokerException>(() => writing.WaitAsync(Patience));
        }

        await Host.StartAgainAsync();
        await using BrokerClient again = await ConnectAsync();
        var after = new StoreClient(again);
        using var read = new MemoryStream();
        await after.Streams.ReadAsync(Bytes("k"), read).WaitAsync(Patience);
        Assert.Equal(old, read.ToArray());
        Assert.Equal(1ul, await after.CountAsync());
        Assert.Equal(old.Length, Assert.Single(await ListAsync(after.Streams.ScanAsync(keysOnly: true))).ValueLength);
    }

    [Fact]
    public async Task A_write_that_is_cancelled_or_fails_here_changes_nothing_and_the_connection_lives()
    {
        await using BrokerClient client = await ConnectAsync();
        var store = new StoreClient(client);
        await store.WriteAsync(Bytes("k"), Bytes("old"), Durability.Memory);
        using var cancel = new CancellationTokenSource();
        var half = new Progress(LargeBytes / 8);
        using var source = new PatternStream(LargeBytes);
        Task<ulong> writing =
            store.Streams.WriteAsync(Bytes("k"), source, Durability.Memory, new CallSettings { Upload = half }, cancel.Token);
        await half.Reached.WaitAsync(Patience);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => writing.WaitAsync(Patience));
        using var broken = new PatternStream(LargeBytes, failsAt: 5_000_000);
        await Assert.ThrowsAsync<IOException>(() => store.Streams.WriteAsync(Bytes("k"), broken, Durability.Memory).WaitAsync(Patience));
        Assert.Equal("old", Text(await store.ReadAsync(Bytes("k"))));
    }

    [Fact]
    public async Task Values_that_stay_in_the_databases_memory_come_like_any_other_in_a_frame_or_as_a_stream()
    {
        int[] lengths = [10, 4_095, 4_096, 200_000, 600_000];
        await using BrokerClient client = await ConnectAsync();
        var store = new StoreClient(client);
        await store.WriteAsync(
            [.. lengths.Select(length => new KeyChange(Bytes($"{length}"), PatternStream.Of(length, length)))], Durability.Memory);

        foreach (int length in lengths)
            Assert.Equal(PatternStream.Of(length, length), (await store.ReadAsync(Bytes($"{length}")))!.Value.ToArray());
        foreach (int count in (int[])[3, 4, 5])
        {
            IReadOnlyList<ReadOnlyMemory<byte>?> values =
                await store.ReadAsync([Bytes("none"), .. lengths[..count].Select(length => (ReadOnlyMemory<byte>)Bytes($"{length}"))]);
            Assert.Null(values[0]);
            Assert.Equal(
                lengths[..count].Select(length => PatternStream.Of(length, length)),
                    values.Skip(1).Select(value => value!.Value.ToArray()));
        }
    }

    [Fact]
    public async Task A_range_of_a_value_comes_alone()
    {
        await using BrokerClient client = await ConnectAsync();
        StoreStreamClient streams = new StoreClient(client).Streams;
        using var source = new PatternStream(300_000);
        await streams.WriteAsync(Bytes("k"), source, Durability.Memory).WaitAsync(Patience);
        using var part = new MemoryStream();

        Assert.Equal(300_000, await streams.ReadAsync(Bytes("k"), part, from: 65_530, length: 70_000).WaitAsync(Patience));
        Assert.Equal(PatternStream.Of(65_530, 70_000), part.ToArray());
        CallFailedException behind =
            await Assert.ThrowsAsync<CallFailedException>(() => streams.ReadAsync(Bytes("k"), part, from: 300_001));
        Assert.Equal(FaultCode.BadArguments, behind.Code);
    }

    [Fact]
    public async Task A_scan_of_any_size_comes_in_order_and_at_one_moment()
    {
        const int count = 20_000;
        await using BrokerClient client = await ConnectAsync();
        var store = new StoreClient(client);
        foreach (int[] some in Enumerable.Range(0, count).Chunk(2_000))
            await store.WriteAsync([.. some.Select(i => new KeyChange(Key(i), Bytes($"{i} {new string('x', 500)}")))], Durability.Memory);

        int seen = 0;
        await foreach (ScannedEntry entry in store.Streams.ScanAsync("p"u8.ToArray()))
        {
            // What is deleted behind the first entry comes all the same.
            if (seen == 0)
                await store.WriteAsync([.. Enumerable.Range(0, count).Select(i => new KeyChange(Key(i), null))], Durability.Memory);
            Assert.Equal(Text(Key(seen)), Text(entry.Key));
            Assert.StartsWith($"{seen} ", Text(entry.Value), StringComparison.Ordinal);
            seen++;
        }

        Assert.Equal(count, seen);
        Assert.True(await store.IsEmptyAsync());
        static byte[] Key(int i) => Bytes(string.Create(CultureInfo.InvariantCulture, $"p{i:d6}"));
    }

    [Fact]
    public async Task A_scan_begins_at_its_key_and_ends_at_its_limit()
    {
        await using BrokerClient client = await ConnectAsync();
        var store = new StoreClient(client);
        await store.WriteAsync([.. "a b/1 b/2 b/3 c".Split(' ').Select(key => new KeyChange(Bytes(key), Bytes("v")))], Durability.Memory);

        Assert.Equal(["b/2", "b/3"], await KeysAsync(store.Streams.ScanAsync("b/"u8.ToArray(), "b/2"u8.ToArray())));
        Assert.Equal(["b/1"], await KeysAsync(store.Streams.ScanAsync("b/"u8.ToArray(), limit: 1)));
        Assert.Equal(["b/2"], await KeysAsync(store.Streams.ScanAsync("b/"u8.ToArray(), "b/1\0"u8.ToArray(), limit: 1)));
        await foreach (ScannedEntry entry in store.Streams.ScanAsync())
        {
            Assert.Equal(("a", 1, "v"), (Text(entry.Key), entry.ValueLength, Text(entry.Value)));
            break;
        }

        Assert.Equal(5ul, await store.CountAsync());
    }

    [Fact]
    public async Task A_reader_that_takes_nothing_costs_little_and_gets_all_of_it_later()
    {
        const int calls = 8;
        await using (BrokerClient writer = await ConnectAsync())
        {
            using var source = new PatternStream(20 * (int)MiB);
            await new StoreClient(writer).Streams.WriteAsync(Bytes("large"), source, Durability.Memory).WaitAsync(Patience);
            await new StoreClient(writer).Streams.ReadAsync(Bytes("large"), Stream.Null).WaitAsync(Patience);
        }

        // Credit for everything, and a socket that is not read: 8 times 20 MiB may be sent, and cannot leave.
        using var socket = new ClientWebSocket();
        socket.Options.AddSubProtocol("v3.broker");
        using var limit = new CancellationTokenSource(Patience);
        await socket.ConnectAsync(Host.NativeUri, limit.Token);
        await SendAsync(Support.NativeClient.Hello(items: 1 << 20));
        byte[] room = new byte[1 << 20];
        await socket.ReceiveAsync(room, limit.Token);
        long before = Host.ResidentBytes;
        byte[] arguments = StoreCodec.Encode(new ReadStreamArguments { Length = ValueStreams.AnyLength, Key = "large"u8 });
        for (uint call = 1; call <= calls; call++)
            await SendAsync(
                Core.Protocol.Messages.NativeWriter.Message(
                    new Call { Id = call, Method = MethodId.Of(StoreMethods.ReadStream), Arguments = arguments }));

        // Another client is served meanwhile, and by then the hub has said to the slow one whatever it would.
        await using (BrokerClient other = await ConnectAsync())
        {
            await new StoreClient(other).Streams.ReadAsync(Bytes("large"), Stream.Null).WaitAsync(Patience);
        }

        Assert.InRange(Host.ResidentBytes - before, 0, 100 * MiB);
        limit.CancelAfter(Patience);
        int results = 0;
        long bytes = 0;
        while (results < calls)
        {
            WebSocketReceiveResult received;
            int length = 0;
            do
            {
                received = await socket.ReceiveAsync(new ArraySegment<byte>(room, length, room.Length - length), limit.Token);
                length += received.Count;
            }
            while (!received.EndOfMessage);

            Assert.True(received.MessageType == WebSocketMessageType.Binary,
                $"{received.CloseStatus} {received.CloseStatusDescription} after {bytes} bytes");
            foreach (string line in Support.NativeClient.Describe(room[..length], batched: true))
            {
                Assert.DoesNotContain("fault", line, StringComparison.Ordinal);
                if (line.StartsWith("result ", StringComparison.Ordinal)) results++;
            }

            bytes += length;
        }

        Assert.InRange(bytes, calls * 20 * MiB, (calls * 20 * MiB) + (calls * MiB));

        ValueTask SendAsync(byte[] message) =>
            socket.SendAsync(message.AsMemory(), WebSocketMessageType.Binary, endOfMessage: true, limit.Token);
    }

    private static async Task<List<ScannedEntry>> ListAsync(IAsyncEnumerable<ScannedEntry> scan)
    {
        var entries = new List<ScannedEntry>();
        await foreach (ScannedEntry entry in scan) entries.Add(entry);
        return entries;
    }

    private static async Task<IEnumerable<string?>> KeysAsync(IAsyncEnumerable<ScannedEntry> scan) =>
        (await ListAsync(scan)).Select(entry => Text(entry.Key));

    private sealed class Progress(long at = long.MaxValue) : IProgress<TransferProgress>
    {
        private readonly TaskCompletionSource _reached = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TransferProgress Last { get; private set; }

        public Task Reached => _reached.Task;

        public void Report(TransferProgress value)
        {
            Last = value;
            if (value.Bytes >= at) _reached.TrySetResult();
        }
    }
}
