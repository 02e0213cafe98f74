using System.Buffers;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;
using Broker.Core.Protocol.Transfers;

namespace Broker.Store;

/// <summary>The store's methods with items: values of any length in either direction, and scans, a piece at a time.</summary>
/// <remarks>
/// Each holds two parts of 64 KiB at most, or one item, however long the value or the scan is. A read or a scan keeps the
/// files of its moment, and a write its parts, so their number is bounded, for one client too, and each ends when nothing
/// moves. When all are taken, the one that stood still longest makes room.
/// </remarks>
public sealed class StoreStreams
{
    private const int ScanItemBytes = 64 * 1024;        // Of several entries; one that is longer goes alone.

    private readonly KeyedStore _store;
    private readonly StreamSlots _slots;
    private readonly TimeSpan _idleLimit;
    private readonly TimeProvider _time;

    /// <summary>Over a store, which its owner closes.</summary>
    /// <param name="store">The store.</param>
    /// <param name="callsMax">Calls that may be under way at once, of all clients; one more is a fault that says so.</param>
    /// <param name="idleLimit">How long a call may go without an item.</param>
    /// <param name="time">The clock of that.</param>
    public StoreStreams(KeyedStore store, int callsMax, TimeSpan idleLimit, TimeProvider time)
    {
        _store = store;
        _slots = new StreamSlots(callsMax);
        _idleLimit = idleLimit;
        _time = time;
        All = new Dictionary<string, StoreStreamHandler>
        {
            [StoreMethods.ReadStream] = (call, cancellationToken) => RunAsync(call, ReadAsync, cancellationToken),
            [StoreMethods.WriteStream] = (call, cancellationToken) => RunAsync(call, WriteAsync, cancellationToken),
            [StoreMethods.ScanStream] = (call, cancellationToken) => RunAsync(call, ScanAsync, cancellationToken),
        };
    }

    /// <summary>Each method by its name.</summary>
    public IReadOnlyDictionary<string, StoreStreamHandler> All { get; }

    /// <summary>Calls that are under way.</summary>
    internal int Calls => _slots.Count;

    private async Task<ReadOnlyMemory<byte>> RunAsync(
        StoreCall call, Func<StoreCall, IdleWatch, Task<byte[]>> run, CancellationToken cancellationToken)
    {
        using var watch = new IdleWatch(_idleLimit, _time, cancellationToken);
        _slots.Take(call.Client, watch);
        try
        {
            return await run(call, watch).ConfigureAwait(false);
        }
        catch (StoreException refused)
        {
            throw StoreHandlers.AsFault(refused);
        }
        catch (OperationCanceledException)
        {
            watch.ThrowIfLate();
            throw;
        }
        finally
        {
            _slots.Release(watch);
        }
    }

    private async Task<byte[]> WriteAsync(StoreCall call, IdleWatch watch)
    {
        (Durability durability, ulong length, ValueWriter writer) = Open(call.Arguments);
        await using (writer.ConfigureAwait(false))
        {
            await foreach (ReadOnlyMemory<byte> item in call.Items.WithCancellation(watch.Token).ConfigureAwait(false))
            {
                watch.Moved();
                await writer.WriteAsync(item).ConfigureAwait(false);
                if ((ulong)writer.Length > length) throw OtherLength(writer.Length, length);
            }

            if (length != ValueStreams.AnyLength && (ulong)writer.Length != length) throw OtherLength(writer.Length, length);
            WriteReceipt receipt = await writer.PublishAsync(durability).ConfigureAwait(false);
            return StoreCodec.Encode(new NumberResult { Value = (ulong)receipt.Sequence });
        }
    }

    private (Durability Durability, ulong Length, ValueWriter Writer) Open(ReadOnlyMemory<byte> arguments)
    {
        WriteStreamArguments write = StoreHandlers.Parse<WriteStreamArguments>(arguments);
        if (write.Length != ValueStreams.AnyLength) _store.CheckStreamed(write.Length);
        return (write.Durability, write.Length, _store.OpenWrite(write.Key.ToArray()));
    }

    private static CallFaultException OtherLength(long come, ulong announced) =>
        new(FaultCode.BadArguments, $"the items have {come} bytes so far, and {announced} were announced");

    private async Task<byte[]> ReadAsync(StoreCall call, IdleWatch watch)
    {
        (ValueReader? reader, ulong from, ulong length) = OpenRead(call.Arguments);
        if (reader is null) return StoreCodec.Encode(new BoolResult { Value = false });
        using (reader)
        {
            if (from > (ulong)reader.Length) throw new CallFaultException(FaultCode.BadArguments, $"the value has {reader.Length} bytes");
            await SendAsync(call, watch, new MemoryChunkSource(StoreCodec.Encode(new NumberResult { Value = (ulong)reader.Length })))
                .ConfigureAwait(false);
            long at = (long)from;
            long end = at + (long)Math.Min(length, (ulong)(reader.Length - at));
            while (at < end)
            {
                IChunkSource piece = reader.Read(at, end - at);
                at += piece.Bytes;
                await SendAsync(call, watch, piece).ConfigureAwait(false);
            }

            return StoreCodec.Encode(new BoolResult { Value = true });
        }
    }

    private (ValueReader? Reader, ulong From, ulong Length) OpenRead(ReadOnlyMemory<byte> arguments)
    {
        ReadStreamArguments read = StoreHandlers.Parse<ReadStreamArguments>(arguments);
        return (_store.OpenRead(read.Key), read.From, read.Length);
    }

    private async Task<byte[]> ScanAsync(StoreCall call, IdleWatch watch)
    {
        (StoreScan scan, ulong limit, bool keysOnly) = OpenScan(call.Arguments);
        using (scan)
        {
            ulong count = 0;
            var item = new ArrayBufferWriter<byte>();
            while ((limit == 0 || count < limit) && scan.MoveNext())
            {
                if (item.WrittenCount > 0 && item.WrittenCount + EntryOf(scan, keysOnly).Bytes > ScanItemBytes)
                    await FlushAsync().ConfigureAwait(false);
                Append(item, EntryOf(scan, keysOnly));
                count++;
            }

            if (item.WrittenCount > 0) await FlushAsync().ConfigureAwait(false);
            return StoreCodec.Encode(new NumberResult { Value = count });

            async Task FlushAsync()
            {
                await SendAsync(call, watch, new MemoryChunkSource(item.WrittenSpan.ToArray())).ConfigureAwait(false);
                item.ResetWrittenCount();
            }
        }
    }

    private (StoreScan Scan, ulong Limit, bool KeysOnly) OpenScan(ReadOnlyMemory<byte> arguments)
    {
        ScanStreamArguments scan = StoreHandlers.Parse<ScanStreamArguments>(arguments);
        return (_store.OpenScan(scan.Prefix, scan.From), scan.Limit, scan.KeysOnly);
    }

    private static ScanItemEntry EntryOf(StoreScan scan, bool keysOnly)
    {
        var entry = new ScanItemEntry { Key = scan.Key, ValueLength = scan.ValueLength, HasValue = !keysOnly };
        return entry.Bytes <= ValueStreams.ScanItemBytesMax ? entry with { Value = scan.Value } : entry with { HasValue = false };
    }

    private static void Append(ArrayBufferWriter<byte> item, ScanItemEntry entry)
    {
        int bytes = (int)entry.Bytes;
        var body = new BodyWriter(item.GetSpan(bytes)[..bytes]);
        entry.Write(ref body);
        item.Advance(bytes);
    }

    private static async ValueTask SendAsync(StoreCall call, IdleWatch watch, IChunkSource item)
    {
        await call.SendAsync(item, watch.Token).ConfigureAwait(false);
        watch.Moved();
    }
}
