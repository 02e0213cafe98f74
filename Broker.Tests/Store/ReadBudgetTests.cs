using Broker.Core.Protocol.Transfers;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Store;
using Broker.Store;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Store;

/// <summary>Requests whose answers are larger than themselves: what they hold is known before it is copied.</summary>
public sealed class ReadBudgetTests : IDisposable
{
    private const int MiB = 1024 * 1024;

    private readonly StoreFolder _folder = new();
    private readonly FakeTimeProvider _time = new();
    private readonly KeyedStore _store;

    public ReadBudgetTests() => _store = _folder.Open();

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_batch_that_names_a_long_value_often_is_refused_before_it_is_copied()
    {
        await _store.WriteAsync("k"u8.ToArray(), new byte[4 * MiB], Durability.Memory);
        var reads = new ReadBudget(256 * MiB, 64 * MiB, TimeSpan.FromSeconds(30), _time);
        var handlers = new StoreHandlers(_store, 64 * MiB, reads);
        byte[] keys = [.. Enumerable.Repeat((byte[])[1, 0, (byte)'k'], 1000).SelectMany(static key => key)];
        byte[] arguments = StoreCodec.Encode(KeyBatch.Of(1000, keys));
        long before = GC.GetAllocatedBytesForCurrentThread();

        CallFaultException refused =
            await Assert.ThrowsAsync<CallFaultException>(() => AskAsync(handlers, StoreMethods.BatchRead, arguments));

        Assert.Equal((FaultCode.ResultTooBig, 0L), (refused.Code, reads.Bytes));
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < MiB);
    }

    [Fact]
    public async Task A_client_that_leaves_results_unread_is_refused_more_and_others_are_not()
    {
        await _store.WriteAsync("k"u8.ToArray(), new byte[60 * 1024], Durability.Memory);
        var handlers = new StoreHandlers(_store, 64 * 1024, new ReadBudget(256 * 1024, 128 * 1024, TimeSpan.FromSeconds(30), _time));
        using IChunkSource first = await ReadAsync(handlers, "a"), second = await ReadAsync(handlers, "a");

        CallFaultException refused = await Assert.ThrowsAsync<CallFaultException>(() => ReadAsync(handlers, "a"));
        using IChunkSource other = await ReadAsync(handlers, "b");
        first.Dispose();
        using IChunkSource third = await ReadAsync(handlers, "a");

        Assert.Equal(FaultCode.Overloaded, refused.Code);
        Assert.Contains("at most 131072 (broker.store.client-read-bytes-max)", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reads_of_clients_that_wait_for_answers_wait_their_turn()
    {
        await _store.WriteAsync("k"u8.ToArray(), new byte[100 * 1024], Durability.Memory);
        var reads = new ReadBudget(250 * 1024, 128 * 1024, TimeSpan.FromSeconds(30), _time);
        var handlers = new StoreHandlers(_store, 128 * 1024, reads);
        IChunkSource first = await ReadAsync(handlers, "a"), second = await ReadAsync(handlers, "b");
        Task<IChunkSource> third = ReadAsync(handlers, "c"), fourth = ReadAsync(handlers, "d");
        Assert.Equal((2, 200L * 1024), (reads.Waiting, reads.Bytes));

        first.Dispose();
        using IChunkSource admitted = await third;
        Assert.False(fourth.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(30));

        CallFaultException late = await Assert.ThrowsAsync<CallFaultException>(() => fourth);
        Assert.Contains("of at most 256000 (broker.store.read-bytes-max)", late.Message, StringComparison.Ordinal);
        second.Dispose();
        Assert.Equal(100 * 1024, reads.Bytes);
    }

    [Fact]
    public async Task A_read_that_is_cancelled_while_it_waits_holds_nothing()
    {
        await _store.WriteAsync("k"u8.ToArray(), new byte[100 * 1024], Durability.Memory);
        var reads = new ReadBudget(150 * 1024, 128 * 1024, TimeSpan.FromSeconds(30), _time);
        var handlers = new StoreHandlers(_store, 128 * 1024, reads);
        IChunkSource first = await ReadAsync(handlers, "a");
        using var over = new CancellationTokenSource();
        Task<IChunkSource> second = ReadAsync(handlers, "b", over.Token);

        await over.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        first.Dispose();
        Assert.Equal((0, 0L), (reads.Waiting, reads.Bytes));
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1000, 100)]
    [InlineData(70_000, 9)]
    [InlineData(70_000, 200)]
    public async Task What_is_long_is_the_same_by_every_reader(int bytes, int keys)
    {
        byte[] value = [.. Enumerable.Range(0, bytes).Select(static i => (byte)(i * 7))];
        for (int i = 0; i < keys; i++) await _store.WriteAsync(StoreFolder.Bytes($"k{i:d3}"), value, Durability.Memory);
        var handlers = new StoreHandlers(_store);
        byte[] names = [.. Enumerable.Range(0, keys).SelectMany(static i => (byte[])[4, 0, .. StoreFolder.Bytes($"k{i:d3}")])];

        byte[] read = (await handlers.All[StoreMethods.Read](StoreFolder.Bytes("k000"))).ToArray();
        byte[] several = (await handlers.All[StoreMethods.BatchRead](StoreCodec.Encode(KeyBatch.Of(keys, names)))).ToArray();
        byte[] scanned = (await handlers.All[StoreMethods.Scan](StoreCodec.Encode(new ScanArguments { Limit = 1000 }))).ToArray();

        Assert.Equal((byte[])[1, .. value], read);
        int count = 0;
        Assert.True(StoreCodec.TryRead(several, out ValueBatch batch));
        foreach (FoundValue found in batch)
        {
            Assert.True(found.Value.SequenceEqual(value));
            count++;
        }

        Assert.Equal(keys, count);
        Assert.True(StoreCodec.TryRead(scanned, out ScanPage page));
        foreach (ScanEntry entry in page) Assert.True(entry.Value.SequenceEqual(value));
        Assert.Equal(Math.Min(keys, 1024 * 1024 / bytes), page.Count);
    }

    /// <summary>A method that is added has to say here what bounds its answer.</summary>
    [Fact]
    public void Every_method_has_its_bound()
    {
        string[] bounded = [.. new StoreHandlers(_store).Readers.Keys];
        string[] streamed = [StoreMethods.ReadStream, StoreMethods.ScanStream, StoreMethods.WriteStream];
        string[] small =
            [StoreMethods.Write, StoreMethods.BatchWrite, StoreMethods.Delete, StoreMethods.Exists, StoreMethods.Length,
                StoreMethods.IsEmpty, StoreMethods.FileSize];

        Assert.Equal(StoreMethods.All.Order(), bounded.Concat(streamed).Concat(small).Order());
    }

    private static async Task<StoreResult> AskAsync(StoreHandlers handlers, string method, byte[] arguments) =>
        await handlers.Readers[method](new StoreRequest(arguments, "client"), CancellationToken.None);

    private static async Task<IChunkSource> ReadAsync(
        StoreHandlers handlers, string client, CancellationToken cancellationToken = default) =>
        (await handlers.Readers[StoreMethods.Read](new StoreRequest("k"u8.ToArray(), client), cancellationToken)).Source!;
}
