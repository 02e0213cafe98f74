using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;
using Broker.Core.Protocol.Transfers;

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
    private const int PinnedBytesMin = 4096;        // A shorter value is copied sooner than it is held.
    private const int PageEntriesMax = 1000;
    private const long PageBytesMax = 1024 * 1024;

    private static readonly byte[] s_found = [1];

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
            [StoreMethods.Read] = arguments => Answer(arguments, bytes => ArrayOf(Read(bytes))),
            [StoreMethods.BatchRead] = arguments => Answer(arguments, bytes => ArrayOf(ReadMany(bytes))),
            [StoreMethods.Write] = arguments => AnswerAsync(arguments, WriteAsync),
            [StoreMethods.BatchWrite] = arguments => AnswerAsync(arguments, WriteManyAsync),
            [StoreMethods.Delete] = arguments => AnswerAsync(arguments, DeleteAsync),
            [StoreMethods.Exists] = arguments => Answer(arguments, Exists),
            [StoreMethods.Length] = arguments => Answer(arguments, bytes => Number(bytes, () => _store.Count)),
            [StoreMethods.IsEmpty] = arguments => Answer(arguments, IsEmpty),
            [StoreMethods.FileSize] = arguments => Answer(arguments, bytes => Number(bytes, () => _store.FileBytes)),
            [StoreMethods.Scan] = arguments => Answer(arguments, Scan),
        };
        Pinned = new Dictionary<string, Func<ReadOnlyMemory<byte>, StoreResult>>
        {
            [StoreMethods.Read] = arguments => Guard(arguments, Read),
            [StoreMethods.BatchRead] = arguments => Guard(arguments, ReadMany),
        };
    }

    private static StoreResult Guard(ReadOnlyMemory<byte> arguments, Func<ReadOnlyMemory<byte>, StoreResult> run)
    {
        try
        {
            return run(arguments);
        }
        catch (StoreException failure)
        {
            throw AsFault(failure);
        }
    }

    private static byte[] ArrayOf(StoreResult result)
    {
        using IChunkSource? source = result.Source;
        return source?.ToArray() ?? result.Bytes.ToArray();
    }

    /// <summary>Each method by its name.</summary>
    public IReadOnlyDictionary<string, StoreHandler> All { get; }

    /// <summary>The methods whose results may be where the database has them, by their names.</summary>
    public IReadOnlyDictionary<string, Func<ReadOnlyMemory<byte>, StoreResult>> Pinned { get; }

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

    private StoreResult Read(ReadOnlyMemory<byte> arguments)
    {
        PinnedValue? value = _store.Read(Parse<KeyArguments>(arguments).Key, _resultBytesMax - 1);
        if (value is null) return new StoreResult(StoreCodec.Encode(new ValueResult()), null);
        if (value.Length >= PinnedBytesMin && value.Length < _resultBytesMax) return new StoreResult(default, Hold([s_found, value.Memory], value));
        try
        {
            CheckResult(value.Length);
            return new StoreResult(StoreCodec.Encode(new ValueResult { IsFound = true, Value = value.GetSpan() }), null);
        }
        finally
        {
            value.Dispose();
        }
    }

    private static LongBytesPiece Hold(ReadOnlyMemory<byte>[] segments, IDisposable owner)
    {
        var bytes = new LongBytes(segments, owner);
        var piece = new LongBytesPiece(bytes, 0, bytes.Bytes);
        bytes.LetGo();
        return piece;
    }

    private StoreResult ReadMany(ReadOnlyMemory<byte> arguments)
    {
        KeyBatch batch = Parse<KeyBatch>(arguments);
        if (batch.Count > KeysMax) throw new CallFaultException(FaultCode.BadArguments, $"A batch has at most {KeysMax} keys.");
        var keys = new List<ReadOnlyMemory<byte>>(batch.Count);
        foreach (ReadOnlySpan<byte> key in batch) keys.Add(PartOf(arguments, key));

        var values = new PinnedValues(_store.ReadMany(keys, _resultBytesMax));
        bool isHeld = false;
        try
        {
            CheckResult(values.Bytes);
            ReadOnlyMemory<byte>[] segments = values.Encode(PinnedBytesMin);
            isHeld = values.HoldsAny;
            return isHeld ? new StoreResult(default, Hold(segments, values)) : new StoreResult(segments[0], null);
        }
        finally
        {
            if (!isHeld) values.Dispose();
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
