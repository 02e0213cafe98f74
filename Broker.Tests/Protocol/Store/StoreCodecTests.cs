using System.Buffers;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;
using Broker.Tests.Support;
using CsCheck;

namespace Broker.Tests.Protocol.Store;

public sealed class StoreCodecTests
{
    public static TheoryData<string> Names => StoreSamples.Names;

    [Theory, MemberData(nameof(Names))]
    public void A_value_is_written_as_it_is_printed_and_reads_back(string name)
    {
        StoreSample sample = StoreSamples.Named(name);

        Assert.Equal(Convert.ToHexString(sample.Bytes), Convert.ToHexString(sample.Write()));
        Assert.Equal(sample.Bytes, sample.Rewrite(sample.Bytes));
    }

    [Theory, MemberData(nameof(Names))]
    public void A_value_cut_anywhere_is_refused_or_is_a_shorter_value(string name)
    {
        StoreSample sample = StoreSamples.Named(name);
        bool endsInBytes = name is "store-read-arguments" or "store-read-result" or "store-write-arguments"
            or "store-write-stream-arguments" or "store-read-stream-arguments" or "store-scan-stream-item";
        for (int cut = 0; cut < sample.Bytes.Length; cut++)
        {
            byte[]? again = sample.Rewrite(sample.Bytes.AsSpan(0, cut));
            if (again is not null) Assert.Equal(sample.Bytes[..cut], again);
            if (!endsInBytes) Assert.Null(again);
        }
    }

    [Theory]
    [InlineData("store-read-arguments", "")]
    [InlineData("store-read-result", "00 61")]
    [InlineData("store-read-result", "02")]
    [InlineData("store-batch-read-arguments", "01000000 0000")]
    [InlineData("store-batch-read-arguments", "ffffff7f 0100 61")]
    [InlineData("store-batch-read-arguments", "ffffffff")]
    [InlineData("store-batch-read-arguments", "00000000 0100 61")]
    [InlineData("store-batch-read-result", "01000000 feffffff")]
    [InlineData("store-write-arguments", "03 0100 61")]
    [InlineData("store-write-arguments", "00 0000")]
    [InlineData("store-batch-write-arguments", "00 01000000 02 0100 61")]
    [InlineData("store-batch-write-arguments", "03 00000000")]
    [InlineData("store-batch-write-arguments", "00 02000000 01 0100 61 01 0200 61")]
    [InlineData("store-bool", "02")]
    [InlineData("store-scan-arguments", "00 00000000 0000 0000")]
    [InlineData("store-scan-arguments", "02 01000000 0000 0000")]
    [InlineData("store-write-stream-arguments", "03 0000000000000000 61")]
    [InlineData("store-write-stream-arguments", "00 0000000000000000")]
    [InlineData("store-read-stream-arguments", "0000000000000000 0000000000000000")]
    [InlineData("store-scan-stream-arguments", "02 0000000000000000 0000 0000")]
    [InlineData("store-scan-stream-item", "")]
    [InlineData("store-scan-stream-item", "0000 00 0000000000000000")]
    [InlineData("store-scan-stream-item", "0100 61 02 0000000000000000")]
    [InlineData("store-scan-stream-item", "0100 61 01 0200000000000000 61")]
    [InlineData("store-scan-stream-item", "0100 61 01 ffffffffffffffff 61")]
    public void What_a_value_can_not_be_is_refused_as_a_whole(string name, string hex) =>
        Assert.Null(StoreSamples.Named(name).Rewrite(Wire.Bytes(hex)));

    [Fact]
    public void A_limit_of_2_31_and_more_is_read_as_the_largest_below_it() =>
        Assert.Equal(
            Wire.Bytes("00 ffffff7f 0000 0000"), StoreSamples.Named("store-scan-arguments").Rewrite(Wire.Bytes("00 ffffffff 0000 0000")));

    [Fact]
    public void A_key_has_1_to_65535_bytes()
    {
        Assert.True(StoreCodec.TryRead(new byte[65_535], out KeyArguments _));
        Assert.False(StoreCodec.TryRead(new byte[65_536], out KeyArguments _));
        Assert.Throws<OverflowException>(() => StoreCodec.Encode(new WriteArguments { Key = new byte[65_536] }));
    }

    [Fact]
    public void No_arguments_are_no_bytes()
    {
        Assert.True(StoreCodec.TryRead(default, out NoArguments _));
        Assert.False(StoreCodec.TryRead([0], out NoArguments _));
    }

    [Fact]
    public void Batches_of_any_size_come_out_as_they_went_in() =>
        Gen.Select(Gen.Byte.Array[1, 40], Gen.Byte.Array[0, 300], Gen.Bool).Array[0, 40].Sample(items =>
        {
            var keys = new ArrayBufferWriter<byte>();
            var values = new ArrayBufferWriter<byte>();
            var changes = new ArrayBufferWriter<byte>();
            var entries = new ArrayBufferWriter<byte>();
            foreach ((byte[] key, byte[] value, bool flag) in items)
            {
                byte[] room = new byte[1000];
                var body = new BodyWriter(room);
                body.PutShortBytes(key);
                keys.Write(room.AsSpan(0, body.Position));

                var found = new FoundValue { IsFound = flag, Value = flag ? value : default };
                body = new BodyWriter(room);
                found.Write(ref body);
                Assert.Equal(found.Bytes, body.Position);
                values.Write(room.AsSpan(0, body.Position));

                var change = new Change { IsDelete = flag, Key = key, Value = flag ? default : value };
                body = new BodyWriter(room);
                change.Write(ref body);
                Assert.Equal(change.Bytes, body.Position);
                changes.Write(room.AsSpan(0, body.Position));

                var entry = new ScanEntry { Key = key, Value = value };
                body = new BodyWriter(room);
                entry.Write(ref body);
                Assert.Equal(entry.Bytes, body.Position);
                entries.Write(room.AsSpan(0, body.Position));
            }

            Assert.True(StoreCodec.TryRead(StoreCodec.Encode(KeyBatch.Of(items.Length, keys.WrittenSpan)), out KeyBatch keyBatch));
            int i = 0;
            foreach (ReadOnlySpan<byte> key in keyBatch) Assert.True(key.SequenceEqual(items[i++].Item1));
            Assert.Equal(items.Length, i);

            Assert.True(StoreCodec.TryRead(StoreCodec.Encode(ValueBatch.Of(items.Length, values.WrittenSpan)), out ValueBatch valueBatch));
            i = 0;
            foreach (FoundValue value in valueBatch)
            {
                Assert.Equal(items[i].Item3, value.IsFound);
                Assert.True(value.Value.SequenceEqual(value.IsFound ? items[i].Item2 : []));
                i++;
            }

            byte[] encoded = StoreCodec.Encode(ChangeBatch.Of(Durability.Disk, items.Length, changes.WrittenSpan));
            Assert.True(StoreCodec.TryRead(encoded, out ChangeBatch changeBatch));
            Assert.Equal(Durability.Disk, changeBatch.Durability);
            i = 0;
            foreach (Change change in changeBatch)
            {
                Assert.True(change.Key.SequenceEqual(items[i].Item1));
                Assert.Equal(items[i++].Item3, change.IsDelete);
            }

            Assert.True(StoreCodec.TryRead(StoreCodec.Encode(ScanPage.Of(false, items.Length, entries.WrittenSpan)), out ScanPage page));
            i = 0;
            foreach (ScanEntry entry in page) Assert.True(entry.Value.SequenceEqual(items[i++].Item2));
            Assert.Equal(items.Length, i);
        }, iter: 1000);

    [Fact]
    public void Random_bytes_never_throw_and_what_is_read_is_what_was_there() =>
        Gen.Select(Gen.Int[0, StoreSamples.All.Count - 1], Gen.Byte[0, 4].Array[0, 60]).Sample((i, bytes) =>
        {
            byte[]? again = StoreSamples.All[i].Rewrite(bytes);
            if (again is not null) Assert.Equal(bytes, again);
        }, iter: 20_000);

    [Fact]
    public void A_batch_that_is_read_allocates_nothing()
    {
        byte[] batch = StoreSamples.Named("store-batch-write-arguments").Bytes;
        int changes = 0;

        Assert.Equal(0, Allocations.Least(() => changes = Pass()));
        Assert.Equal(200, changes);

        int Pass()
        {
            int seen = 0;
            for (int round = 0; round < 100; round++)
            {
                StoreCodec.TryRead(batch, out ChangeBatch changeBatch);
                foreach (Change change in changeBatch) seen += change.Key.IsEmpty ? 0 : 1;
            }

            return seen;
        }
    }

    [Fact]
    public void The_thirteen_methods_have_thirteen_ids()
    {
        var table = new MethodTable<string>();
        foreach (string method in StoreMethods.All) table.Add(method, method);

        Assert.Equal(13, table.Count);
        Assert.Equal(0xb0207c59d9b60457, StoreMethods.IdOf(StoreMethods.BatchWrite).Value);
    }
}
