using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;
using Broker.Core.Protocol.Transfers;
using Broker.Store;
using Broker.Tests.Support;

namespace Broker.Tests.Store;

public sealed class StoreHandlersTests : IDisposable
{
    private readonly StoreFolder _folder = new();
    private readonly KeyedStore _store;
    private StoreHandlers _handlers;

    public StoreHandlersTests()
    {
        _store = _folder.Open(new StoreSettings { KeyBytesMax = 8, ValueBytesMax = 1000 });
        _handlers = new StoreHandlers(_store);
    }

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Every_method_of_the_protocol_has_a_handler() =>
        Assert.Equal(StoreMethods.Plain.Order(), _handlers.All.Keys.Order());

    [Fact]
    public async Task Bytes_in_and_bytes_out_as_the_protocol_prints_them()
    {
        await SendAsync(StoreMethods.IsEmpty, "", "01");
        await CallAsync(StoreMethods.Write, "00 0100 61 6f6e65");                                   // memory, "a", "one"
        await CallAsync(StoreMethods.BatchWrite, "02 02000000 00 0100 62 03000000 74776f 01 0100 7a"); // disk, put "b" "two", delete "z"

        await SendAsync(StoreMethods.Read, "61", "01 6f6e65");
        await SendAsync(StoreMethods.Read, "7a", "00");
        await SendAsync(StoreMethods.BatchRead, "03000000 0100 62 0100 7a 0100 61", "03000000 03000000 74776f ffffffff 03000000 6f6e65");
        await SendAsync(StoreMethods.Exists, "62", "01");
        await SendAsync(StoreMethods.Exists, "7a", "00");
        await SendAsync(StoreMethods.Length, "", "0200000000000000");
        await SendAsync(StoreMethods.IsEmpty, "", "00");
        await SendAsync(StoreMethods.Scan, "00 01000000 0000 0000", "01 01000000 0100 61 03000000 6f6e65");
        await SendAsync(StoreMethods.Scan, "01 0a000000 0000 0100 61", "00 01000000 0100 62 00000000");
        Assert.NotEqual(new byte[8], await CallAsync(StoreMethods.FileSize, ""));
    }

    [Fact]
    public async Task Each_change_has_a_higher_tail_and_none_has_none()
    {
        ulong first = TailOf(await CallAsync(StoreMethods.Write, "00 0100 61 31"));
        ulong second = TailOf(await CallAsync(StoreMethods.Write, "01 0100 61 32"));
        byte[] deleted = await CallAsync(StoreMethods.Delete, "00 0100 61");
        byte[] missing = await CallAsync(StoreMethods.Delete, "00 0100 61");

        Assert.True(second > first);
        Assert.Equal((1, 0), (deleted[0], missing[0]));
        Assert.True(TailOf(deleted.AsSpan(1)) > second);
        Assert.Equal(deleted[1..], missing[1..]);
    }

    [Theory]
    [InlineData(StoreMethods.Read, "")]
    [InlineData(StoreMethods.Read, "313233343536373839")]
    [InlineData(StoreMethods.Write, "03 0100 61")]
    [InlineData(StoreMethods.Write, "00 0000")]
    [InlineData(StoreMethods.BatchWrite, "00 02000000 01 0100 61")]
    [InlineData(StoreMethods.BatchRead, "01000000")]
    [InlineData(StoreMethods.Delete, "00 0100")]
    [InlineData(StoreMethods.Length, "00")]
    [InlineData(StoreMethods.Scan, "00 00000000 0000 0000")]
    public async Task Bad_arguments_and_a_failed_store_have_different_errors(string method, string arguments)
    {
        CallFaultException fault = await Assert.ThrowsAsync<CallFaultException>(() => CallAsync(method, arguments));

        Assert.Equal(FaultCode.BadArguments, fault.Code);
        Assert.True(_store.IsEmpty);
    }

    [Fact]
    public async Task A_result_over_the_limit_is_a_fault_and_so_is_a_closed_store()
    {
        await _store.WriteAsync("a"u8.ToArray(), new byte[600], Durability.Memory);
        _handlers = new StoreHandlers(_store, resultBytesMax: 1000);
        await CallAsync(StoreMethods.Read, "61");
        CallFaultException large =
            await Assert.ThrowsAsync<CallFaultException>(() => CallAsync(StoreMethods.BatchRead, "02000000 0100 61 0100 61"));
        _store.Dispose();
        CallFaultException closed = await Assert.ThrowsAsync<CallFaultException>(() => CallAsync(StoreMethods.Read, "61"));
        CallFaultException unwritten = await Assert.ThrowsAsync<CallFaultException>(() => CallAsync(StoreMethods.Write, "00 0100 61 31"));

        Assert.Equal(FaultCode.ResultTooBig, large.Code);
        Assert.Equal((FaultCode.Failed, FaultCode.Failed), (closed.Code, unwritten.Code));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public async Task A_value_that_is_held_is_the_same_result_however_it_is_cut(int chunkBytes)
    {
        using var folder = new StoreFolder();
        using KeyedStore store = folder.Open(new StoreSettings());
        _handlers = new StoreHandlers(store);
        byte[] value = [.. Enumerable.Range(0, 5000).Select(i => (byte)i)];
        await store.WriteAsync("a"u8.ToArray(), value, Durability.Memory);
        using IChunkSource source =
            (await _handlers.Readers[StoreMethods.Read](new StoreRequest(Wire.Bytes("61"), "client"), default)).Source!;
        var sent = new byte[source.Bytes];
        for (int from = 0; from < sent.Length; from += chunkBytes)
            source.CopyTo(from, sent.AsSpan(from, Math.Min(chunkBytes, sent.Length - from)));

        Assert.Equal(await CallAsync(StoreMethods.Read, "61"), sent);
    }

    private static ulong TailOf(ReadOnlySpan<byte> result) => System.Buffers.Binary.BinaryPrimitives.ReadUInt64LittleEndian(result);

    private async Task SendAsync(string method, string arguments, string expected) =>
        Assert.Equal(Convert.ToHexString(Wire.Bytes(expected)), Convert.ToHexString(await CallAsync(method, arguments)));

    private async Task<byte[]> CallAsync(string method, string arguments) => (await _handlers.All[method](Wire.Bytes(arguments))).ToArray();
}
