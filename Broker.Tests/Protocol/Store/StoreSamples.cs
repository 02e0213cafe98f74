using Broker.Core.Protocol.Store;
using Broker.Tests.Support;

namespace Broker.Tests.Protocol.Store;

internal delegate byte[]? RewriteOrRefuse(ReadOnlySpan<byte> bytes);

/// <summary>Arguments or results of one method: the bytes as docs/PROTOCOL.md prints them, and as the codec writes them.</summary>
internal sealed record StoreSample(string Name, string Hex, Func<byte[]> Write, RewriteOrRefuse Rewrite)
{
    public byte[] Bytes => Wire.Bytes(Hex);
}

internal static class StoreSamples
{
    private const string Keys = "0400 6b657931 0200 6b32";
    private const string Values = "02000000 7631 ffffffff 00000000";
    private const string Changes = "00 0400 6b657931 02000000 7631 01 0200 6b32";
    private const string Entries = "0400 6b657931 02000000 7631 0200 6b32 00000000";

    public static IReadOnlyList<StoreSample> All { get; } =
    [
        new("store-read-arguments", "6b657931",
            () => StoreCodec.Encode(new KeyArguments { Key = "key1"u8 }), Again<KeyArguments>),
        new("store-read-result", "01 7631",
            () => StoreCodec.Encode(new ValueResult { IsFound = true, Value = "v1"u8 }), Again<ValueResult>),
        new("store-read-missing", "00",
            () => StoreCodec.Encode(default(ValueResult)), Again<ValueResult>),
        new("store-batch-read-arguments", $"02000000 {Keys}",
            () => StoreCodec.Encode(KeyBatch.Of(2, Wire.Bytes(Keys))), Again<KeyBatch>),
        new("store-batch-read-result", $"03000000 {Values}",
            () => StoreCodec.Encode(ValueBatch.Of(3, Wire.Bytes(Values))), Again<ValueBatch>),
        new("store-write-arguments", "02 0400 6b657931 7631",
            () => StoreCodec.Encode(new WriteArguments { Durability = Durability.Disk, Key = "key1"u8, Value = "v1"u8 }),
            Again<WriteArguments>),
        new("store-number", "e803000000000000",
            () => StoreCodec.Encode(new NumberResult { Value = 1000 }), Again<NumberResult>),
        new("store-batch-write-arguments", $"01 02000000 {Changes}",
            () => StoreCodec.Encode(ChangeBatch.Of(Durability.System, 2, Wire.Bytes(Changes))), Again<ChangeBatch>),
        new("store-delete-arguments", "00 0400 6b657931",
            () => StoreCodec.Encode(new DeleteArguments { Key = "key1"u8 }), Again<DeleteArguments>),
        new("store-delete-result", "01 e903000000000000",
            () => StoreCodec.Encode(new DeleteResult { WasFound = true, Tail = 1001 }), Again<DeleteResult>),
        new("store-bool", "01",
            () => StoreCodec.Encode(new BoolResult { Value = true }), Again<BoolResult>),
        new("store-scan-arguments", "01 64000000 0100 6b 0400 6b657931",
            () => StoreCodec.Encode(new ScanArguments { KeysOnly = true, Limit = 100, Prefix = "k"u8, After = "key1"u8 }),
            Again<ScanArguments>),
        new("store-scan-result", $"01 02000000 {Entries}",
            () => StoreCodec.Encode(ScanPage.Of(hasMore: true, 2, Wire.Bytes(Entries))), Again<ScanPage>),
        new("store-write-stream-arguments", "02 0000000500000000 6b657931",
            () => StoreCodec.Encode(new WriteStreamArguments { Durability = Durability.Disk, Length = 80 << 20, Key = "key1"u8 }),
            Again<WriteStreamArguments>),
        new("store-read-stream-arguments", "0000100000000000 ffffffffffffffff 6b657931",
            () => StoreCodec.Encode(new ReadStreamArguments { From = 1 << 20, Length = ValueStreams.AnyLength, Key = "key1"u8 }),
            Again<ReadStreamArguments>),
        new("store-scan-stream-arguments", "00 6400000000000000 0100 6b 0500 6b65793100",
            () => StoreCodec.Encode(new ScanStreamArguments { Limit = 100, Prefix = "k"u8, From = "key1\0"u8 }),
            Again<ScanStreamArguments>),
        new("store-scan-stream-item", "0400 6b657931 01 0200000000000000 7631 0200 6b32 00 0000000500000000",
            () => StoreCodec.Encode(ScanItem.Of(Wire.Bytes("0400 6b657931 01 0200000000000000 7631 0200 6b32 00 0000000500000000"))),
            Again<ScanItem>),
    ];

    public static TheoryData<string> Names { get; } = [.. All.Select(sample => sample.Name)];

    public static StoreSample Named(string name) => All.Single(sample => sample.Name == name);

    private static byte[]? Again<T>(ReadOnlySpan<byte> bytes)
        where T : IStoreValue<T>, allows ref struct =>
        StoreCodec.TryRead(bytes, out T value) ? StoreCodec.Encode(value) : null;
}
