using Broker.Core.Protocol.Store;
using Broker.Store;
using static Broker.Tests.Store.StoreFolder;
using Broker.Tests.Support;

namespace Broker.Tests.Store;

public sealed class KeyedStoreTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_is_written_is_read_and_what_is_missing_is_null()
    {
        using KeyedStore store = _folder.Open();
        Assert.True(store.IsEmpty);

        WriteReceipt written = await store.WriteAsync(Bytes("a"), Bytes("one"), Durability.Memory);
        await store.WriteAsync(Bytes("empty"), default, Durability.System);

        Assert.Equal((1, 0), (written.Created, written.Deleted));
        Assert.Equal("one", Text(store.Read("a"u8)));
        Assert.Equal("", Text(store.Read("empty"u8)));
        Assert.Null(store.Read("b"u8));
        Assert.True(store.Exists("a"u8));
        Assert.False(store.Exists("b"u8));
        Assert.Equal(2, store.Count);
        Assert.False(store.IsEmpty);
        Assert.True(store.FileBytes > 0);
    }

    [Fact]
    public async Task A_key_written_again_is_one_key_and_one_deleted_is_none()
    {
        using KeyedStore store = _folder.Open();
        WriteReceipt first = await store.WriteAsync(Bytes("a"), Bytes("one"), Durability.Memory);
        WriteReceipt second = await store.WriteAsync(Bytes("a"), Bytes("two"), Durability.Memory);
        WriteReceipt missing = await store.DeleteAsync(Bytes("b"), Durability.Memory);
        Assert.Equal("two", Text(store.Read("a"u8)));
        Assert.Equal(1, store.Count);

        WriteReceipt gone = await store.DeleteAsync(Bytes("a"), Durability.Memory);

        Assert.True(second.Sequence > first.Sequence);
        Assert.Equal(new WriteReceipt(second.Sequence, 0, 0), missing);
        Assert.Equal((0, 1), (gone.Created, gone.Deleted));
        Assert.Null(store.Read("a"u8));
        Assert.Equal(0, store.Count);
    }

    [Fact]
    public async Task In_a_batch_the_last_change_of_a_key_counts_whichever_it_is()
    {
        using KeyedStore store = _folder.Open();
        WriteReceipt receipt = await store.WriteAsync(
            [
                StoreChange.Put(Bytes("kept"), Bytes("1")),
                StoreChange.Delete(Bytes("kept")),
                StoreChange.Put(Bytes("kept"), Bytes("2")),
                StoreChange.Put(Bytes("gone"), Bytes("1")),
                StoreChange.Delete(Bytes("gone")),
            ],
            Durability.Disk);

        Assert.Equal("2", Text(store.Read("kept"u8)));
        Assert.Null(store.Read("gone"u8));
        Assert.Equal(1, store.Count);
        Assert.Equal(1, receipt.Created - receipt.Deleted);
    }

    [Fact]
    public async Task Many_are_read_in_the_order_asked_and_the_missing_are_marked()
    {
        using KeyedStore store = _folder.Open();
        await store.WriteAsync([StoreChange.Put(Bytes("a"), Bytes("1")), StoreChange.Put(Bytes("b"), Bytes("2"))], Durability.Memory);

        PinnedValue?[] values = store.ReadMany([Bytes("b"), Bytes("x"), Bytes("a"), Bytes("b")]);

        Assert.Equal(["2", null, "1", "2"], values.Select(Text));
    }

    [Fact]
    public async Task A_scan_gives_the_keys_of_a_prefix_in_order_page_by_page()
    {
        using KeyedStore store = _folder.Open();
        string[] keys = ["p/3", "p/1", "q", "p/2", "o", "p", "p/10"];
        await store.WriteAsync([.. keys.Select(key => StoreChange.Put(Bytes(key), Bytes("v" + key)))], Durability.Memory);

        var seen = new List<string>();
        ReadOnlyMemory<byte> after = default;
        StorePage page;
        do
        {
            page = store.Scan("p/"u8, after.Span, entriesMax: 2, bytesMax: long.MaxValue);
            seen.AddRange(page.Entries.Select(entry => System.Text.Encoding.UTF8.GetString(entry.Value.Span)));
            after = page.Entries[^1].Key;
        }
        while (page.HasMore);

        Assert.Equal(["vp/1", "vp/10", "vp/2", "vp/3"], seen);
        Assert.Equal(keys.Length, store.Scan(default, default, 100, long.MaxValue).Entries.Count);
        Assert.Empty(store.Scan("p/"u8, "p/3"u8, 2, long.MaxValue).Entries);
        Assert.Empty(store.Scan("z"u8, default, 2, long.MaxValue).Entries);
    }

    [Fact]
    public async Task A_page_ends_at_its_bytes_but_never_without_an_entry()
    {
        using KeyedStore store = _folder.Open();
        await store.WriteAsync([StoreChange.Put(Bytes("a"), new byte[100]), StoreChange.Put(Bytes("b"), new byte[100])], Durability.Memory);

        StorePage page = store.Scan(default, default, entriesMax: 10, bytesMax: 50);

        Assert.Single(page.Entries);
        Assert.True(page.HasMore);
        Assert.Equal(2, store.Scan(default, default, 10, bytesMax: 202).Entries.Count);
    }

    [Fact]
    public async Task A_bad_change_rejects_its_whole_batch_with_the_reason()
    {
        using KeyedStore store =
            _folder.Open(new StoreSettings { KeyBytesMax = 4, ValueBytesMax = 8, BatchBytesMax = 16, BatchChangesMax = 3 });
        StoreChange good = StoreChange.Put(Bytes("good"), Bytes("1"));

        await RefusedAsync(StoreFault.BadKey, good, StoreChange.Put(default, Bytes("1")));
        await RefusedAsync(StoreFault.BadKey, good, StoreChange.Delete(Bytes("12345")));
        await RefusedAsync(StoreFault.ValueTooBig, good, StoreChange.Put(Bytes("a"), new byte[9]));
        await RefusedAsync(StoreFault.BatchTooBig, good, good, good, good);
        await RefusedAsync(StoreFault.BatchTooBig, StoreChange.Put(Bytes("a"), new byte[8]), StoreChange.Put(Bytes("b"), new byte[8]));
        Assert.Equal(StoreFault.BadKey, Assert.Throws<StoreException>(() => store.Read(default)).Fault);
        Assert.Equal(StoreFault.BadKey, Assert.Throws<StoreException>(() => store.Exists("12345"u8)).Fault);
        Assert.Equal(StoreFault.BadKey, Assert.Throws<StoreException>(() => store.ReadMany([Bytes("a"), default])).Fault);
        Assert.True(store.IsEmpty);

        await store.WriteAsync([StoreChange.Put(Bytes("1234"), new byte[8])], Durability.Memory);
        Assert.Equal(1, store.Count);

        async Task RefusedAsync(StoreFault fault, params StoreChange[] changes)
        {
            StoreException refused = await Assert.ThrowsAsync<StoreException>(() => store.WriteAsync(changes, Durability.Memory));
            Assert.Equal(fault, refused.Fault);
        }
    }

    [Theory]
    [InlineData(Durability.Memory)]
    [InlineData(Durability.System)]
    [InlineData(Durability.Disk)]
    public async Task All_is_there_after_closing_and_opening(Durability durability)
    {
        using (KeyedStore store = _folder.Open())
        {
            await store.WriteAsync([.. Enumerable.Range(0, 100).Select(i => StoreChange.Put(Bytes($"k{i}"), Bytes($"v{i}")))], durability);
            await store.WriteAsync([.. Enumerable.Range(0, 30).Select(i => StoreChange.Delete(Bytes($"k{i}")))], durability);
            await store.WriteAsync(Bytes("k50"), Bytes("again"), durability);
        }

        using KeyedStore reopened = _folder.Open();
        Assert.Equal(70, reopened.Count);
        Assert.Null(reopened.Read("k29"u8));
        Assert.Equal("again", Text(reopened.Read("k50"u8)));
        Assert.Equal(0, (await reopened.DeleteAsync(Bytes("k29"), durability)).Deleted);
        Assert.Equal(70, reopened.Scan(default, default, 1000, long.MaxValue).Entries.Count);
    }

    [Fact]
    public void A_folder_in_use_and_one_that_is_no_store_are_refused()
    {
        using (_folder.Open())
        {
            StoreException inUse = Assert.Throws<StoreException>(() => _folder.Open());
            Assert.Equal(StoreFault.Failed, inUse.Fault);
        }

        string file = Path.Combine(_folder.Path, "file");
        File.WriteAllText(file, "no folder");
        Assert.Equal(StoreFault.Failed, Assert.Throws<StoreException>(() => KeyedStore.Open(file)).Fault);
    }

    [Fact]
    public async Task Every_call_after_closing_throws()
    {
        KeyedStore store = _folder.Open();
        await store.WriteAsync(Bytes("a"), Bytes("1"), Durability.Memory);
        store.Dispose();
        store.Dispose();

        Assert.Equal(StoreFault.Closed, Assert.Throws<StoreException>(() => store.Read("a"u8)).Fault);
        Assert.Equal(StoreFault.Closed, Assert.Throws<StoreException>(() => store.Exists("a"u8)).Fault);
        Assert.Equal(StoreFault.Closed, Assert.Throws<StoreException>(() => store.ReadMany([Bytes("a")])).Fault);
        Assert.Equal(StoreFault.Closed, Assert.Throws<StoreException>(() => store.Scan(default, default, 1, 1)).Fault);
        Assert.Equal(StoreFault.Closed, Assert.Throws<StoreException>(() => store.FileBytes).Fault);
        StoreException refused =
            await Assert.ThrowsAsync<StoreException>(() => store.WriteAsync(Bytes("a"), Bytes("1"), Durability.Memory));
        Assert.Equal(StoreFault.Closed, refused.Fault);
    }

    [Fact]
    public async Task A_pinned_value_outlives_its_key_and_its_store()
    {
        KeyedStore store = _folder.Open();
        await store.WriteAsync(Bytes("a"), Bytes("one"), Durability.Memory);
        PinnedValue value = store.Read("a"u8)!;
        await store.WriteAsync(Bytes("a"), Bytes("two"), Durability.Memory);
        store.Dispose();

        Assert.Equal("one"u8.ToArray(), value.Memory.ToArray());
        Assert.Throws<StoreException>(() => _folder.Open());

        value.Dispose();
        value.Dispose();
        Assert.Throws<ObjectDisposedException>(() => value.GetSpan().Length);
        using KeyedStore reopened = _folder.Open();
        Assert.Equal("two", Text(reopened.Read("a"u8)));
    }

    [Fact]
    public async Task A_large_value_is_read_without_a_managed_copy()
    {
        const int Size = 16 * 1024 * 1024;
        using KeyedStore store = _folder.Open();
        await store.WriteAsync(Bytes("large"), new byte[Size], Durability.Memory);

        long each = Allocations.Least(() =>
        {
            PinnedValue value = store.Read("large"u8)!;
            Assert.Equal(Size, value.Memory.Length);
            value.Dispose();
        }, enough: 1023);
        Assert.True(each < 1024, $"A read of {Size} bytes allocated {each} bytes of managed memory.");
    }
}
