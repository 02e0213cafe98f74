using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Broker.Core.Native;
using Broker.Core.Rpc;
using Broker.Core.Store;

namespace Broker.Store;

/// <summary>Answers one call: the encoded arguments in, the encoded result out.</summary>
/// <param name="arguments">Must not change before the answer.</param>
/// <returns>Fails with a <see cref="CallFaultException"/>.</returns>
public delegate Task<ReadOnlyMemory<byte>> StoreHandler(ReadOnlyMemory<byte> arguments);

/// <summary>The methods of docs/PROTOCOL.md over a store, for whoever answers calls.</summary>
/// <remarks>They wait for the disk, so they run where that delays nobody else.</remarks>
public sealed class StoreHandlers
{
    private const int KeysMax = 65_536;
    private const int PageEntriesMax = 1000;
    private const long PageBytesMax = 1024 * 1024;

    private readonly KeyedStore _store;
    private readonly int _resultBytesMax;

    /// <summary>Over a store, which its owner closes.</summary>
    /// <param name="store">The store.</param>
    /// <param name="resultBytesMax">The longest result; what would be longer is a fault that says so.</param>
    public StoreHandlers(KeyedStore store, int resultBytesMax = 64 * 1024 * 1024)
    {
        _store = store;
        _resultBytesMax = resultBytesMax;
        All = new Dictionary<string, StoreHandler>
        {
            [StoreMethods.Read] = arguments => Answer(arguments, Read),
            [StoreMethods.BatchRead] = arguments => Answer(arguments, ReadMany),
            [StoreMethods.Write] = arguments => AnswerAsync(arguments, WriteAsync),
            [StoreMethods.BatchWrite] = arguments => AnswerAsync(arguments, WriteManyAsync),
            [StoreMethods.Delete] = arguments => AnswerAsync(arguments, DeleteAsync),
            [StoreMethods.Exists] = arguments => Answer(arguments, Exists),
            [StoreMethods.Length] = arguments => Answer(arguments, bytes => Number(bytes, () => _store.Count)),
            [StoreMethods.IsEmpty] = arguments => Answer(arguments, IsEmpty),
            [StoreMethods.FileSize] = arguments => Answer(arguments, bytes => Number(bytes, () => _store.FileBytes)),
            [StoreMethods.Scan] = arguments => Answer(arguments, Scan),
        };
    }

    /// <summary>Each method by its name.</summary>
    public IReadOnlyDictionary<string, StoreHandler> All { get; }

    private static Task<ReadOnlyMemory<byte>> Answer(ReadOnlyMemory<byte> arguments, Func<ReadOnlyMemory<byte>, byte[]> run)
    {
        try
        {
            return Task.FromResult<ReadOnlyMemory<byte>>(run(arguments));
        }
        catch (Exception failure) when (failure is StoreException or CallFaultException)
        {
            return Task.FromException<ReadOnlyMemory<byte>>(AsFault(failure));
        }
    }

    private static async Task<ReadOnlyMemory<byte>> AnswerAsync(ReadOnlyMemory<byte> arguments, Func<ReadOnlyMemory<byte>, Task<byte[]>> run)
    {
        try
        {
            return await run(arguments).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is StoreException)
        {
            throw AsFault(failure);
        }
    }

    internal static CallFaultException AsFault(Exception failure) => failure switch
    {
        CallFaultException fault => fault,
        StoreException { Fault: StoreFault.BadKey or StoreFault.ValueTooBig or StoreFault.BatchTooBig } bad => Wrap(FaultCode.BadArguments, bad),
        StoreException { Fault: StoreFault.ResultTooBig } big => Wrap(FaultCode.ResultTooBig, big),
        StoreException { Fault: StoreFault.Overloaded } full => Wrap(FaultCode.Overloaded, full),
        _ => Wrap(FaultCode.Failed, failure),
    };

    private static CallFaultException Wrap(FaultCode code, Exception failure) => new(code, failure.Message, failure);

    internal static T Parse<T>(ReadOnlyMemory<byte> arguments)
        where T : IStoreValue<T>, allows ref struct =>
        StoreCodec.TryRead(arguments.Span, out T value)
            ? value
            : throw new CallFaultException(FaultCode.BadArguments, "The arguments are not the fields of the method.");

    // A borrowed part of the arguments as memory, so that it can wait for the writer.
    private static ReadOnlyMemory<byte> PartOf(ReadOnlyMemory<byte> whole, ReadOnlySpan<byte> part)
    {
        if (part.IsEmpty) return default;
        nint start = Unsafe.ByteOffset(ref MemoryMarshal.GetReference(whole.Span), ref MemoryMarshal.GetReference(part));
        return whole.Slice((int)start, part.Length);
    }

    private byte[] Read(ReadOnlyMemory<byte> arguments)
    {
        PinnedValue? value = _store.Read(Parse<KeyArguments>(arguments).Key, _resultBytesMax - 1);
        if (value is null) return StoreCodec.Encode(new ValueResult());
        try
        {
            CheckResult(value.Length);
            return StoreCodec.Encode(new ValueResult { IsFound = true, Value = value.GetSpan() });
        }
        finally
        {
            value.Dispose();
        }
    }

    private byte[] ReadMany(ReadOnlyMemory<byte> arguments)
    {
        KeyBatch batch = Parse<KeyBatch>(arguments);
        if (batch.Count > KeysMax) throw new CallFaultException(FaultCode.BadArguments, $"A batch has at most {KeysMax} keys.");
        var keys = new List<ReadOnlyMemory<byte>>(batch.Count);
        foreach (ReadOnlySpan<byte> key in batch) keys.Add(PartOf(arguments, key));

        PinnedValue?[] values = _store.ReadMany(keys, _resultBytesMax);
        try
        {
            long bytes = sizeof(uint) + values.Sum(value => sizeof(uint) + (long)(value?.Length ?? 0));
            CheckResult(bytes);
            byte[] result = GC.AllocateUninitializedArray<byte>((int)bytes);
            var body = new BodyWriter(result);
            body.PutWord((uint)values.Length);
            foreach (PinnedValue? value in values)
            {
                new FoundValue { IsFound = value is not null, Value = value is null ? default : value.GetSpan() }.Write(ref body);
            }

            return result;
        }
        finally
        {
            foreach (PinnedValue? value in values) value?.Dispose();
        }
    }

    private Task<byte[]> WriteAsync(ReadOnlyMemory<byte> arguments)
    {
        WriteArguments write = Parse<WriteArguments>(arguments);
        StoreChange change = StoreChange.Put(PartOf(arguments, write.Key), PartOf(arguments, write.Value));
        return TailAsync(_store.WriteAsync([change], write.Durability));
    }

    private Task<byte[]> WriteManyAsync(ReadOnlyMemory<byte> arguments)
    {
        ChangeBatch batch = Parse<ChangeBatch>(arguments);
        var changes = new List<StoreChange>(Math.Min(batch.Count, KeysMax));
        foreach (Change change in batch)
        {
            ReadOnlyMemory<byte> key = PartOf(arguments, change.Key);
            changes.Add(change.IsDelete ? StoreChange.Delete(key) : StoreChange.Put(key, PartOf(arguments, change.Value)));
        }

        return TailAsync(_store.WriteAsync(changes, batch.Durability));
    }

    private Task<byte[]> DeleteAsync(ReadOnlyMemory<byte> arguments)
    {
        DeleteArguments delete = Parse<DeleteArguments>(arguments);
        return EncodeAsync(_store.DeleteAsync(PartOf(arguments, delete.Key), delete.Durability));

        static async Task<byte[]> EncodeAsync(Task<WriteReceipt> deleting)
        {
            WriteReceipt receipt = await deleting.ConfigureAwait(false);
            return StoreCodec.Encode(new DeleteResult { WasFound = receipt.Deleted > 0, Tail = (ulong)receipt.Sequence });
        }
    }

    private byte[] Exists(ReadOnlyMemory<byte> arguments) =>
        StoreCodec.Encode(new BoolResult { Value = _store.Exists(Parse<KeyArguments>(arguments).Key) });

    private byte[] IsEmpty(ReadOnlyMemory<byte> arguments)
    {
        Parse<NoArguments>(arguments);
        return StoreCodec.Encode(new BoolResult { Value = _store.IsEmpty });
    }

    private byte[] Scan(ReadOnlyMemory<byte> arguments)
    {
        ScanArguments scan = Parse<ScanArguments>(arguments);
        StorePage page = _store.Scan(scan.Prefix, scan.After, Math.Min(scan.Limit, PageEntriesMax), PageBytesMax, scan.KeysOnly, _resultBytesMax);
        long bytes = page.Entries.Sum(entry => new ScanEntry { Key = entry.Key.Span, Value = entry.Value.Span }.Bytes);
        CheckResult(bytes);
        byte[] entries = new byte[bytes];
        var body = new BodyWriter(entries);
        foreach (StoreEntry entry in page.Entries) new ScanEntry { Key = entry.Key.Span, Value = entry.Value.Span }.Write(ref body);
        return StoreCodec.Encode(ScanPage.Of(page.HasMore, page.Entries.Count, entries));
    }

    private static byte[] Number(ReadOnlyMemory<byte> arguments, Func<long> number)
    {
        Parse<NoArguments>(arguments);
        return StoreCodec.Encode(new NumberResult { Value = (ulong)number() });
    }

    private static async Task<byte[]> TailAsync(Task<WriteReceipt> writing)
    {
        WriteReceipt receipt = await writing.ConfigureAwait(false);
        return StoreCodec.Encode(new NumberResult { Value = (ulong)receipt.Sequence });
    }

    private void CheckResult(long bytes)
    {
        if (bytes >= _resultBytesMax) throw new CallFaultException(FaultCode.ResultTooBig, $"The result has over {_resultBytesMax} bytes.");
    }
}
