using System.Text;
using Broker.Core.Protocol.Store;
using Broker.Core.Protocol.Transfers;
using Broker.Store;
using CsCheck;
using RocksDbSharp;
using static Broker.Tests.Store.StoreFolder;

namespace Broker.Tests.Store;

/// <summary>Values that are written and read piece by piece, in the store itself.</summary>
public sealed class ValueStreamTests : IDisposable
{
    private const int Part = ValueReader.PieceBytesMax;

    private readonly StoreFolder _folder = new();
    private KeyedStore _store;

    public ValueStreamTests() => _store = _folder.Open(new StoreSettings { StreamedValueBytesMax = 1_000_000 });

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    [Theory, InlineData(0), InlineData(1), InlineData(Part - 1), InlineData(Part), InlineData(Part + 1), InlineData(3 * Part),
        InlineData(200_000)]
    public async Task A_value_comes_out_as_it_went_in_by_every_method_and_after_a_restart(int length)
    {
        byte[] value = Value(length);
        await WriteAsync("k", value, pieceBytes: 10_000);
        Check();
        _store.Dispose();
        _store = _folder.Open();
        Check();

        void Check()
        {
            Assert.Equal(value, ReadPieces("k"));
            using (PinnedValue whole = _store.Read(Bytes("k"))!) Assert.Equal(value, whole.ToArray());
            PinnedValue?[] many = _store.ReadMany([Bytes("missing"), Bytes("k")]);
            using (many[1]) Assert.Equal(value, many[1]!.ToArray());
            Assert.Null(many[0]);
            Assert.Equal(value, Assert.Single(_store.Scan("k"u8, default, 10, long.MaxValue).Entries).Value.ToArray());
            Assert.True(_store.Exists(Bytes("k")));
            Assert.Equal(1, _store.Count);
            Assert.Equal(length <= Part ? 0 : (length + Part - 1) / Part, _store.CountParts());
        }
    }

    [Fact]
    public void However_it_is_cut_it_is_the_same_value() =>
        Gen.Int[1, 70_000].Array[1, 12].Sample(pieces =>
        {
            byte[] value = Value(pieces.Sum());
            ValueWriter writer = _store.OpenWrite(Bytes("k"));
            int at = 0;
            foreach (int bytes in pieces)
            {
                writer.WriteAsync(value.AsMemory(at, bytes)).AsTask().Wait();
                at += bytes;
            }

            writer.PublishAsync(Durability.Memory).Wait();
            Assert.Equal(value, ReadPieces("k"));
        }, iter: 50, threads: 1);

    [Fact]
    public async Task A_value_is_invisible_before_it_is_published()
    {
        await WriteAsync("k", Value(100_000), pieceBytes: 50_000);
        ValueWriter writer = _store.OpenWrite(Bytes("k"));
        ValueWriter other = _store.OpenWrite(Bytes("new"));
        await writer.WriteAsync(new byte[300_000]);
        await other.WriteAsync(new byte[300_000]);

        Assert.Equal(Value(100_000), ReadPieces("k"));
        Assert.False(_store.Exists(Bytes("new")));
        Assert.Equal(1, _store.Count);
        WriteReceipt receipt = await writer.PublishAsync(Durability.Disk);
        Assert.Equal((0, 0), (receipt.Created, receipt.Deleted));
        Assert.Equal(1, (await other.PublishAsync(Durability.Memory)).Created);

        Assert.Equal(new byte[300_000], ReadPieces("k"));
        Assert.Equal(2, _store.Count);
        Assert.Equal(10, _store.CountParts());
    }

    [Theory, InlineData("put"), InlineData("delete"), InlineData("stream"), InlineData("batch")]
    public async Task The_parts_of_a_value_go_with_it(string how)
    {
        await WriteAsync("k", Value(200_000), pieceBytes: 50_000);
        Assert.Equal(4, _store.CountParts());

        if (how == "put") await _store.WriteAsync(Bytes("k"), Bytes("short"), Durability.Memory);
        if (how == "delete") Assert.Equal(1, (await _store.DeleteAsync(Bytes("k"), Durability.Memory)).Deleted);
        if (how == "stream") await WriteAsync("k", Bytes("short"), pieceBytes: 10);
        if (how == "batch")
            await _store.WriteAsync([StoreChange.Delete(Bytes("k")), StoreChange.Put(Bytes("k"), Bytes("short"))], Durability.Memory);

        Assert.Equal(0, _store.CountParts());
        Assert.Equal(how == "delete" ? null : "short", Text(_store.Read(Bytes("k"))));
    }

    [Fact]
    public async Task What_is_given_up_leaves_nothing()
    {
        await using (ValueWriter writer = _store.OpenWrite(Bytes("k"))) await writer.WriteAsync(new byte[300_000]);

        Assert.Equal(0, _store.CountParts());
        Assert.True(_store.IsEmpty);
    }

    [Fact]
    public async Task A_value_that_becomes_too_long_is_refused_and_leaves_nothing()
    {
        await using (ValueWriter writer = _store.OpenWrite(Bytes("k")))
        {
            await writer.WriteAsync(new byte[999_999]);
            await writer.WriteAsync(new byte[1]);
            StoreException refused = await Assert.ThrowsAsync<StoreException>(() => writer.WriteAsync(new byte[1]).AsTask());
            Assert.Equal(StoreFault.ValueTooBig, refused.Fault);
        }

        Assert.Equal(0, _store.CountParts());
        Assert.Equal(StoreFault.BadKey, Assert.Throws<StoreException>(() => _store.OpenWrite(default)).Fault);
    }

    [Theory, InlineData(50_000), InlineData(200_000)]
    public async Task A_reader_has_the_value_of_its_moment_whatever_is_written_meanwhile(int length)
    {
        byte[] value = Value(length);
        await WriteAsync("k", value, pieceBytes: 50_000);
        using ValueReader reader = _store.OpenRead(Bytes("k"))!;
        await WriteAsync("k", new byte[100], pieceBytes: 100);
        await _store.DeleteAsync(Bytes("k"), Durability.Memory);

        Assert.Equal(value, ReadPieces(reader));
        Assert.Null(_store.OpenRead(Bytes("k")));
    }

    [Fact]
    public async Task A_piece_outlives_its_reader_and_the_store()
    {
        byte[] value = Value(200_000);
        await WriteAsync("k", value, pieceBytes: 50_000);
        IChunkSource piece;
        using (ValueReader reader = _store.OpenRead(Bytes("k"))!) piece = reader.Read(Part + 5, 100);
        _store.Dispose();
        byte[] read = new byte[piece.Bytes];
        piece.CopyTo(0, read);
        piece.Dispose();

        Assert.Equal(value[(Part + 5)..(Part + 105)], read);
    }

    [Fact]
    public async Task A_value_over_the_asked_bound_is_rejected()
    {
        await WriteAsync("k", Value(200_000), pieceBytes: 50_000);
        await _store.WriteAsync(Bytes("a"), new byte[100_000], Durability.Memory);

        Assert.Equal(StoreFault.ResultTooBig, Assert.Throws<StoreException>(() => _store.Read(Bytes("k"), bytesMax: 199_999)).Fault);
        Assert.Equal(
            StoreFault.ResultTooBig,
                Assert.Throws<StoreException>(() => _store.ReadMany([Bytes("a"), Bytes("k")], bytesMax: 299_999)).Fault);
        Assert.Equal(
            StoreFault.ResultTooBig,
                Assert.Throws<StoreException>(() => _store.Scan(default, default, 10, long.MaxValue, valueBytesMax: 199_999)).Fault);
        using PinnedValue whole = _store.Read(Bytes("k"), bytesMax: 200_000)!;
        Assert.Equal(200_000, whole.Length);
    }

    [Fact]
    public async Task A_scan_has_the_keys_of_its_moment_and_joins_values_in_parts()
    {
        await _store.WriteAsync(
            [.. "a/2 a/1 b/1 a/3".Split(' ').Select(key => StoreChange.Put(Bytes(key), Bytes($"{key}'s")))], Durability.Memory);
        await WriteAsync("a/2x", Value(200_000), pieceBytes: 50_000);
        using StoreScan scan = _store.OpenScan("a/"u8, "a/2"u8);
        await _store.DeleteAsync(Bytes("a/3"), Durability.Memory);
        await _store.WriteAsync(Bytes("a/4"), Bytes("later"), Durability.Memory);
        var seen = new List<string>();
        while (scan.MoveNext())
        {
            bool isLong = scan.ValueLength > 100;
            if (isLong) Assert.Equal(Value(200_000), scan.Value.ToArray());
            seen.Add($"{Encoding.UTF8.GetString(scan.Key)} {scan.ValueLength} {(isLong ? "joined" : Encoding.UTF8.GetString(scan.Value))}");
        }

        Assert.Equal(["a/2 5 a/2's", "a/2x 200000 joined", "a/3 5 a/3's"], seen);
        using StoreScan none = _store.OpenScan("c"u8);
        Assert.False(none.MoveNext());
        using StoreScan all = _store.OpenScan(default);
        int count = 0;
        while (all.MoveNext()) count++;
        Assert.Equal(5, count);
    }

    [Fact]
    public async Task What_a_process_that_ended_was_writing_is_swept_out_at_the_next_start()
    {
        await WriteAsync("k", Value(200_000), pieceBytes: 50_000);
        ValueWriter writer = _store.OpenWrite(Bytes("k"));
        await writer.WriteAsync(new byte[300_000]);
        Assert.True(SpinWait.SpinUntil(() => _store.CountParts() == 8, TimeSpan.FromSeconds(60)));
        _store.Dispose();

        _store = _folder.Open();
        Assert.Equal(4, _store.CountParts());
        Assert.Equal(Value(200_000), ReadPieces("k"));
        await WriteAsync("other", Value(300_000), pieceBytes: 50_000);
        Assert.Equal(Value(200_000), ReadPieces("k"));
    }

    [Fact]
    public void A_store_of_format_1_is_migrated_completely()
    {
        using var folder = new StoreFolder();
        using (RocksDb former = RocksDb.Open(new DbOptions().SetCreateIfMissing(true), folder.Path))
        {
            Put([0, .. "form"u8], BitConverter.GetBytes(1L));
            Put([0, .. "len"u8], BitConverter.GetBytes(2500L));
            for (int i = 0; i < 2500; i++) Put([1, .. Bytes($"k{i:d4}")], Bytes($"value {i}"));

            void Put(byte[] record, byte[] value) => former.Put(record, value);
        }

        for (int start = 0; start < 2; start++)
        {
            using KeyedStore store = folder.Open();
            Assert.Equal(2500, store.Count);
            Assert.Equal("value 7", Text(store.Read(Bytes("k0007"))));
            using StoreScan scan = store.OpenScan(default);
            int count = 0;
            for (; scan.MoveNext(); count++) Assert.Equal($"value {count}", Encoding.UTF8.GetString(scan.Value));
            Assert.Equal(2500, count);
        }
    }

    [Fact]
    public void A_store_of_format_2_has_its_long_values_in_parts_from_then_on()
    {
        using var folder = new StoreFolder();
        using (RocksDb former = RocksDb.Open(new DbOptions().SetCreateIfMissing(true), folder.Path))
        {
            Put([0, .. "form"u8], BitConverter.GetBytes(2L));
            Put([0, .. "len"u8], BitConverter.GetBytes(40L));
            for (int i = 0; i < 40; i++) Put([2, .. Bytes($"k{i:d2}")], [1, .. Value(200_000 + i)]);

            void Put(byte[] record, byte[] value) => former.Put(record, value);
        }

        for (int start = 0; start < 2; start++)
        {
            using KeyedStore store = folder.Open();
            Assert.Equal((40, 40 * 4), (store.Count, store.CountParts()));
            for (int i = 0; i < 40; i++)
            {
                using PinnedValue value = store.Read(Bytes($"k{i:d2}"))!;
                Assert.Equal(Value(200_000 + i), value.ToArray());
            }
        }
    }

    private static byte[] Value(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)((i * 7) + (i >> 8)))];

    private async Task WriteAsync(string key, byte[] value, int pieceBytes)
    {
        await using ValueWriter writer = _store.OpenWrite(Bytes(key));
        for (int at = 0; at < value.Length; at += pieceBytes)
            await writer.WriteAsync(value.AsMemory(at, Math.Min(pieceBytes, value.Length - at)));
        await writer.PublishAsync(Durability.Memory);
    }

    private byte[] ReadPieces(string key)
    {
        using ValueReader reader = _store.OpenRead(Bytes(key))!;
        return ReadPieces(reader);
    }

    private static byte[] ReadPieces(ValueReader reader)
    {
        byte[] value = new byte[reader.Length];
        for (long at = 0; at < value.Length;)
        {
            using IChunkSource piece = reader.Read(at);
            Assert.InRange(piece.Bytes, 1, Part);
            piece.CopyTo(0, value.AsSpan((int)at, (int)piece.Bytes));
            at += piece.Bytes;
        }

        return value;
    }
}
