using System.Threading.Channels;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;
using Broker.Store;
using Broker.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using static Broker.Tests.Store.StoreFolder;

namespace Broker.Tests.Store;

/// <summary>The store's methods with items, as a hub calls them.</summary>
public sealed class StoreStreamsTests : IDisposable
{
    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(60), s_patience = TimeSpan.FromSeconds(60);

    private readonly StoreFolder _folder = new();
    private readonly KeyedStore _store;
    private readonly FakeTimeProvider _time = new();
    private readonly StoreStreams _streams;

    public StoreStreamsTests()
    {
        _store = _folder.Open(new StoreSettings { KeyBytesMax = 8, StreamedValueBytesMax = 500_000 });
        _streams = new StoreStreams(_store, callsMax: 2, s_idle, _time);
    }

    public void Dispose()
    {
        _store.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void Every_method_of_the_protocol_with_items_has_a_handler() =>
        Assert.Equal(StoreMethods.Streamed.Order(), _streams.All.Keys.Order());

    [Fact]
    public async Task Bytes_in_and_bytes_out_as_the_protocol_prints_them()
    {
        (byte[] tail, _) = await CallAsync(StoreMethods.WriteStream, "02 0500000000000000 61", "68 65", "6c6c6f");
        Assert.Equal(8, tail.Length);
        await CallAsync(StoreMethods.WriteStream, "00 ffffffffffffffff 62");

        await SendAsync(StoreMethods.ReadStream, "0000000000000000 ffffffffffffffff 61", "01", "0500000000000000", "68656c6c6f");
        await SendAsync(StoreMethods.ReadStream, "0200000000000000 0200000000000000 61", "01", "0500000000000000", "6c6c");
        await SendAsync(StoreMethods.ReadStream, "0500000000000000 ffffffffffffffff 61", "01", "0500000000000000");
        await SendAsync(StoreMethods.ReadStream, "0000000000000000 ffffffffffffffff 62", "01", "0000000000000000");
        await SendAsync(StoreMethods.ReadStream, "0000000000000000 ffffffffffffffff 63", "00");
        await SendAsync(
            StoreMethods.ScanStream, "00 0000000000000000 0000 0000", "0200000000000000",
            "0100 61 01 0500000000000000 68656c6c6f 0100 62 01 0000000000000000");
        await SendAsync(StoreMethods.ScanStream, "01 0100000000000000 0000 0100 61", "0100000000000000", "0100 61 00 0500000000000000");
        await SendAsync(StoreMethods.ScanStream, "01 0000000000000000 0100 7a 0000", "0000000000000000");
    }

    [Theory]
    [InlineData(StoreMethods.WriteStream, "00 0500000000000000 61")]                           // Four of five bytes come.
    [InlineData(StoreMethods.WriteStream, "00 0300000000000000 61")]                           // Four of three.
    [InlineData(StoreMethods.WriteStream, "00 21a1070000000000 61")]                           // 500,001 are announced.
    [InlineData(StoreMethods.WriteStream, "00 0400000000000000 313233343536373839")]           // A key of nine bytes.
    [InlineData(StoreMethods.WriteStream, "03 0400000000000000 61")]
    [InlineData(StoreMethods.ReadStream, "0200000000000000 ffffffffffffffff 6b")]              // Behind the end.
    [InlineData(StoreMethods.ReadStream, "0000000000000000")]
    [InlineData(StoreMethods.ScanStream, "00 0000000000000000 0000")]
    public async Task Bad_arguments_and_a_failed_store_have_different_errors(string method, string arguments)
    {
        await _store.WriteAsync(Bytes("k"), Bytes("v"), Durability.Memory);

        CallFaultException fault = await Assert.ThrowsAsync<CallFaultException>(() => CallAsync(method, arguments, "6162", "6364"));

        Assert.Equal(FaultCode.BadArguments, fault.Code);
        Assert.Equal((1, 0), (_store.Count, _streams.Calls));
    }

    [Fact]
    public async Task A_value_that_becomes_too_long_or_comes_to_a_closed_store_leaves_nothing()
    {
        byte[][] items = [.. Enumerable.Repeat(new byte[100_000], 6)];
        CallFaultException large =
            await Assert.ThrowsAsync<CallFaultException>(() => RunAsync(StoreMethods.WriteStream, "00 ffffffffffffffff 61", items));
        Assert.Equal((FaultCode.BadArguments, 0), (large.Code, _store.CountParts()));
        _store.Dispose();

        CallFaultException closed =
            await Assert.ThrowsAsync<CallFaultException>(() => RunAsync(StoreMethods.WriteStream, "00 ffffffffffffffff 61", items[..2]));
        CallFaultException unread =
            await Assert.ThrowsAsync<CallFaultException>(() => CallAsync(StoreMethods.ReadStream, "0000000000000000 ffffffffffffffff 61"));
        Assert.Equal((FaultCode.Failed, FaultCode.Failed), (closed.Code, unread.Code));
    }

    [Fact]
    public async Task Long_values_come_in_pieces_and_a_scan_has_only_lengths()
    {
        byte[] value = [.. Enumerable.Range(0, 400_000).Select(i => (byte)(i * 3))];
        await RunAsync(StoreMethods.WriteStream, "01 801a060000000000 61", [.. value.Chunk(65_000)]);
        await _store.WriteAsync(Bytes("b"), new byte[262_144], Durability.Memory);
        await _store.WriteAsync(Bytes("c"), new byte[200_000], Durability.Memory);

        (_, byte[][] items) = await CallAsync(StoreMethods.ReadStream, "0000000000000000 ffffffffffffffff 61");
        Assert.Equal(value, items[1..].SelectMany(item => item));
        Assert.All(items, item => Assert.InRange(item.Length, 1, ValueStreams.PieceBytes));
        (_, byte[][] entries) = await CallAsync(StoreMethods.ScanStream, "00 0000000000000000 0000 0000");
        Assert.Equal([24, 200_012], entries.Select(entry => entry.Length));
        Assert.Equal(Wire.Bytes("0100 61 00 801a060000000000 0100 62 00 0000040000000000"), entries[0]);
    }

    [Theory, InlineData(StoreMethods.WriteStream), InlineData(StoreMethods.ReadStream), InlineData(StoreMethods.ScanStream)]
    public async Task A_call_in_which_nothing_moves_ends_with_a_fault_and_leaves_nothing(string method)
    {
        await _store.WriteAsync(Bytes("a"), new byte[100], Durability.Memory);
        var items = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();
        var waits = new TaskCompletionSource();
        string arguments = method switch
        {
            StoreMethods.WriteStream => "00 ffffffffffffffff 62",
            StoreMethods.ReadStream => "0000000000000000 ffffffffffffffff 61",
            _ => "00 0000000000000000 0000 0000",
        };
        Task<ReadOnlyMemory<byte>> call = _streams.All[method](
            new StoreCall(Wire.Bytes(arguments), items.Reader.ReadAllAsync(), (_, cancel) => NeverAsync(waits, cancel)),
                CancellationToken.None);
        if (method == StoreMethods.WriteStream) items.Writer.TryWrite(new byte[200_000]);
        else await waits.Task.WaitAsync(s_patience);

        // The clock moves on until the call has ended: what was sent may be received only now, and its time begins then.
        using var limit = new CancellationTokenSource(s_patience);
        while (!call.IsCompleted && !limit.IsCancellationRequested)
        {
            _time.Advance(s_idle);
            await Task.Yield();
        }

        CallFaultException late = await Assert.ThrowsAsync<CallFaultException>(() => call.WaitAsync(s_patience));
        Assert.Equal(FaultCode.Deadline, late.Code);
        Assert.Equal((0, 0), (_streams.Calls, _store.CountParts()));
    }

    [Fact]
    public async Task One_more_than_may_be_under_way_is_refused_and_a_cancelled_one_makes_room()
    {
        using var cancel = new CancellationTokenSource();
        var items = Channel.CreateUnbounded<ReadOnlyMemory<byte>>();
        Task<ReadOnlyMemory<byte>>[] calls = [.. Enumerable.Range(0, 2).Select(_ => _streams.All[StoreMethods.WriteStream](
            new StoreCall(Wire.Bytes("00 ffffffffffffffff 61"), items.Reader.ReadAllAsync(), (_, _) => default), cancel.Token))];

        CallFaultException full =
            await Assert.ThrowsAsync<CallFaultException>(() => CallAsync(StoreMethods.WriteStream, "00 ffffffffffffffff 61"));
        await cancel.CancelAsync();
        foreach (Task<ReadOnlyMemory<byte>> call in calls)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call.WaitAsync(s_patience));

        Assert.Equal(FaultCode.Overloaded, full.Code);
        await CallAsync(StoreMethods.WriteStream, "00 ffffffffffffffff 61", "61");
        Assert.Equal("a", Text(_store.Read(Bytes("a"))));
    }

    private static async ValueTask NeverAsync(TaskCompletionSource waits, CancellationToken cancel)
    {
        waits.TrySetResult();
        await Cancelled.WhenAsync(cancel);
    }

    private async Task SendAsync(string method, string arguments, string result, params string[] items)
    {
        (byte[] last, byte[][] sent) = await CallAsync(method, arguments);
        Assert.Equal(Convert.ToHexString(Wire.Bytes(result)), Convert.ToHexString(last));
        Assert.Equal(items.Select(item => Convert.ToHexString(Wire.Bytes(item))), sent.Select(Convert.ToHexString));
    }

    private Task<(byte[] Result, byte[][] Items)> CallAsync(string method, string arguments, params string[] items) =>
        RunAsync(method, arguments, [.. items.Select(Wire.Bytes)]);

    private async Task<(byte[] Result, byte[][] Items)> RunAsync(string method, string arguments, byte[][] items)
    {
        var sent = new List<byte[]>();
        var call = new StoreCall(
            Wire.Bytes(arguments),
            items.Select(item => (ReadOnlyMemory<byte>)item).ToAsyncEnumerable(),
            (item, _) =>
            {
                using (item)
                {
                    byte[] bytes = new byte[item.Bytes];
                    item.CopyTo(0, bytes);
                    sent.Add(bytes);
                    return default;
                }
            });
        ReadOnlyMemory<byte> result = await _streams.All[method](call, CancellationToken.None).WaitAsync(s_patience);
        return (result.ToArray(), [.. sent]);
    }
}
