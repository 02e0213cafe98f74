using System.Collections;
using Broker.Core.Protocol.Store;
using Broker.Store;
using static Broker.Tests.Store.StoreFolder;

namespace Broker.Tests.Store;

public sealed class GroupWriterTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Writers_that_wait_at_the_same_time_share_one_flush()
    {
        using KeyedStore store = _folder.Open();
        using var slow = new HeldChanges(StoreChange.Put(Bytes("first"), Bytes("1")));
        Task<WriteReceipt> first = store.WriteAsync(slow, Durability.Disk);
        slow.AwaitWriter();

        Task<WriteReceipt>[] others =
            [.. Enumerable.Range(0, 100).Select(i => store.WriteAsync(Bytes($"k{i % 50}"), Bytes($"{i}"), (Durability)(i % 3)))];
        slow.Release();
        await first;
        WriteReceipt[] receipts = await Task.WhenAll(others);

        Assert.Equal(2, store.Groups);
        Assert.Equal(50, receipts.Sum(receipt => receipt.Created));
        Assert.Equal(51, store.Count);
        Assert.Equal("99", Text(store.Read("k49"u8)));
    }

    [Fact]
    public async Task A_full_queue_rejects_and_writes_what_it_accepted()
    {
        using KeyedStore store = _folder.Open(new StoreSettings { QueuedBytesMax = 100 });
        using var slow = new HeldChanges(StoreChange.Put(Bytes("first"), Bytes("1")));
        Task<WriteReceipt> first = store.WriteAsync(slow, Durability.Memory);
        slow.AwaitWriter();

        Task<WriteReceipt> large = store.WriteAsync(Bytes("large"), new byte[200], Durability.Memory);
        StoreException refused =
            await Assert.ThrowsAsync<StoreException>(() => store.WriteAsync(Bytes("b"), Bytes("2"), Durability.Memory));
        slow.Release();
        await Task.WhenAll(first, large);

        Assert.Equal(StoreFault.Overloaded, refused.Fault);
        Assert.Equal(2, store.Count);
        await store.WriteAsync(Bytes("b"), Bytes("2"), Durability.Memory);
    }

    [Fact]
    public async Task Changes_that_can_not_be_read_fail_their_group_and_not_the_next()
    {
        using KeyedStore store = _folder.Open();
        using var broken = new HeldChanges(StoreChange.Put(Bytes("a"), Bytes("1"))) { Failure = new InvalidOperationException("torn") };
        Task<WriteReceipt> failing = store.WriteAsync(broken, Durability.System);
        broken.AwaitWriter();
        broken.Release();

        StoreException failed = await Assert.ThrowsAsync<StoreException>(() => failing);
        Assert.Equal(StoreFault.Failed, failed.Fault);
        Assert.True(store.IsEmpty);
        await store.WriteAsync(Bytes("a"), Bytes("2"), Durability.System);
        Assert.Equal("2", Text(store.Read("a"u8)));
    }

    [Fact]
    public async Task What_waits_is_written_before_the_store_closes()
    {
        KeyedStore store = _folder.Open();
        Task<WriteReceipt>[] writes =
            [.. Enumerable.Range(0, 200).Select(i => store.WriteAsync(Bytes($"k{i}"), Bytes("v"), Durability.Memory))];
        store.Dispose();

        await Task.WhenAll(writes);
        using KeyedStore reopened = _folder.Open();
        Assert.Equal(200, reopened.Count);
    }

    /// <summary>Changes at which the writer waits until it is released: its enumeration is the second, after the weighing.</summary>
    private sealed class HeldChanges(params StoreChange[] changes) : IReadOnlyList<StoreChange>, IDisposable
    {
        private readonly ManualResetEventSlim _reached = new();
        private readonly ManualResetEventSlim _released = new();
        private int _enumerations;

        public Exception? Failure { get; init; }

        public int Count => changes.Length;

        public StoreChange this[int index] => changes[index];

        public void AwaitWriter() => Assert.True(_reached.Wait(TimeSpan.FromSeconds(60)));

        public void Release() => _released.Set();

        public IEnumerator<StoreChange> GetEnumerator()
        {
            if (Interlocked.Increment(ref _enumerations) == 2)
            {
                _reached.Set();
                _released.Wait();
                if (Failure is not null) throw Failure;
            }

            return ((IEnumerable<StoreChange>)changes).GetEnumerator();
        }

        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

        public void Dispose()
        {
            _reached.Dispose();
            _released.Dispose();
        }
    }
}
