using System.Buffers;
using System.Buffers.Binary;
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

/// <summary>One call of a method that reads.</summary>
/// <param name="Arguments">Must not change before the answer.</param>
/// <param name="Client">Whose share of what reads may hold it counts in: the id of a connection.</param>
public readonly record struct StoreRequest(ReadOnlyMemory<byte> Arguments, string Client);

/// <summary>Answers one call with a result that may be where the database has it.</summary>
/// <param name="request">The call.</param>
/// <param name="cancellationToken">Cancelled when no caller waits for the answer any more.</param>
/// <returns>The code that takes the result disposes of its source. Fails with a <see cref="CallFaultException"/>.</returns>
public delegate ValueTask<StoreResult> StoreReader(StoreRequest request, CancellationToken cancellationToken);

/// <summary>The methods of docs/PROTOCOL.md over a store, for the one that answers calls.</summary>
/// <remarks>They wait for the disk, so they run where that delays no other component.</remarks>
public sealed class StoreHandlers
{
    private const int KeysMax = 65_536;
    private const int PinnedBytesMin = 4096;        // A shorter value is copied sooner than it is held.
    private const int PageEntriesMax = 1000;
    private const long PageBytesMax = 1024 * 1024;

    private static readonly byte[] s_found = [1];

    private readonly KeyedStore _store;
    private readonly int _resultBytesMax;
    private readonly ReadBudget _reads;

    /// <summary>Over a store, which its owner closes.</summary>
    /// <param name="store">The store.</param>
    /// <param name="resultBytesMax">The longest result; what would be longer is a fault that says so.</param>
    /// <param name="reads">What the results of all reads may hold; 256 MiB, and 64 MiB or one result for each client, unless given.</param>
    public StoreHandlers(KeyedStore store, int resultBytesMax = 64 * 1024 * 1024, ReadBudget? reads = null)
    {
        _store = store;
        _resultBytesMax = resultBytesMax;
        _reads = reads
            ?? new ReadBudget(
            Math.Max(256 * 1024 * 1024, resultBytesMax), Math.Max(64 * 1024 * 1024, resultBytesMax), TimeSpan.FromSeconds(30),
                TimeProvider.System);
        All = new Dictionary<string, StoreHandler>
        {
            [StoreMethods.Read] = arguments => ReadArrayAsync(arguments, Read),
            [StoreMethods.BatchRead] = arguments => ReadArrayAsync(arguments, ReadMany),
            [StoreMethods.Write] = arguments => AnswerAsync(arguments, WriteAsync),
            [StoreMethods.BatchWrite] = arguments => AnswerAsync(arguments, WriteManyAsync),
            [StoreMethods.Delete] = arguments => AnswerAsync(arguments, DeleteAsync),
            [StoreMethods.Exists] = arguments => Answer(arguments, Exists),
            [StoreMethods.Length] = arguments => Answer(arguments, bytes => Number(bytes, () => _store.Count)),
            [StoreMethods.IsEmpty] = arguments => Answer(arguments, IsEmpty),
            [StoreMethods.FileSize] = arguments => Answer(arguments, bytes => Number(bytes, () => _store.FileBytes)),
            [StoreMethods.Scan] = arguments => ReadArrayAsync(arguments, Scan),
        };
        Readers = new Dictionary<string, StoreReader>
        {
            [StoreMethods.Read] = (request, cancellationToken) => ReadAsync(request, Read, cancellationToken, isOneValue: true),
            [StoreMethods.BatchRead] = (request, cancellationToken) => ReadAsync(request, ReadMany, cancellationToken),
            [StoreMethods.Scan] = (request, cancellationToken) => ReadAsync(request, Scan, cancellationToken),
        };
    }

    private delegate StoreResult Gather(ReadOnlyMemory<byte> arguments, ReadReservation reservation);

    // Gathers and counts on the way; where there is no room for all of it, releases everything, waits for room, and gathers
    // again. So no read waits for room while it holds any.
    private async ValueTask<StoreResult> ReadAsync(
        StoreRequest request, Gather gather, CancellationToken cancellationToken, bool isOneValue = false)
    {
        ReadReservation reservation = _reads.Begin(request.Client);
        while (true)
        {
            long needed;
            try
            {
                return gather(request.Arguments, reservation);
            }
            catch (ReadRoomException full)
            {
                reservation.Dispose();
                needed = isOneValue ? full.Needed : _resultBytesMax;
            }
            catch (Exception failure)
            {
                reservation.Dispose();
                if (failure is StoreException refused) throw AsFault(refused);
                throw;
            }

            reservation = _reads.Begin(request.Client);
            await _reads.TakeAsync(reservation, needed, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<ReadOnlyMemory<byte>> ReadArrayAsync(ReadOnlyMemory<byte> arguments, Gather gather)
    {
        StoreResult result = await ReadAsync(new StoreRequest(arguments, Client: ""), gather, CancellationToken.None).ConfigureAwait(false);
        using IChunkSource? source = result.Source;
        return source?.ToArray() ?? result.Bytes.ToArray();
    }

    /// <summary>Each method by its name.</summary>
    public IReadOnlyDictionary<string, StoreHandler> All { get; }

    /// <summary>
    /// The methods whose results are longer than their arguments, by their names: what a result holds counts until it is disposed of.
    /// </summary>
    public IReadOnlyDictionary<string, StoreReader> Readers { get; }

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

    private static async Task<ReadOnlyMemory<byte>> AnswerAsync(
        ReadOnlyMemory<byte> arguments, Func<ReadOnlyMemory<byte>, Task<byte[]>> run)
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
        StoreException { Fault: StoreFault.BadKey or StoreFault.ValueTooBig or StoreFault.BatchTooBig } bad =>
            Wrap(FaultCode.BadArguments, bad),
        StoreException { Fault: StoreFault.ResultTooBig } large => Wrap(FaultCode.ResultTooBig, large),
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

    private StoreResult Read(ReadOnlyMemory<byte> arguments, ReadReservation reservation)
    {
        PinnedValue? value = _store.Read(Parse<KeyArguments>(arguments).Key, _resultBytesMax - 1, reservation);
        if (value is null) return Copied(reservation, StoreCodec.Encode(new ValueResult()));
        reservation.Own(value);
        CheckResult(value.Length);
        if (value.Length < PinnedBytesMin)
            return Copied(reservation, StoreCodec.Encode(new ValueResult { IsFound = true, Value = value.GetSpan() }));
        if (!value.IsJoined) reservation.Take(value.Length);
        return new StoreResult(default, Pin([s_found, value.Memory], reservation));
    }

    // What is short is copied, and holds nothing.
    private static StoreResult Copied(ReadReservation reservation, ReadOnlyMemory<byte> bytes)
    {
        reservation.Dispose();
        return new StoreResult(bytes, null);
    }

    private static LongBytesPiece Pin(ReadOnlyMemory<byte>[] segments, IDisposable owner)
    {
        var bytes = new LongBytes(segments, owner);
        var piece = new LongBytesPiece(bytes, 0, bytes.Bytes);
        bytes.Release();
        return piece;
    }

    private StoreResult ReadMany(ReadOnlyMemory<byte> arguments, ReadReservation reservation)
    {
        KeyBatch batch = Parse<KeyBatch>(arguments);
        if (batch.Count > KeysMax) throw new CallFaultException(FaultCode.BadArguments, $"A batch has at most {KeysMax} keys.");
        var keys = new List<ReadOnlyMemory<byte>>(batch.Count);
        foreach (ReadOnlySpan<byte> key in batch) keys.Add(PartOf(arguments, key));

        var values = new PinnedValues(_store.ReadMany(keys, _resultBytesMax, reservation));
        reservation.Own(values);
        CheckResult(values.Bytes);
        ReadOnlyMemory<byte>[] segments = values.Encode(PinnedBytesMin);
        bool isShort = segments is [{ Length: < PinnedBytesMin }];
        return isShort ? Copied(reservation, segments[0]) : new StoreResult(default, Pin(segments, reservation));
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

    private StoreResult Scan(ReadOnlyMemory<byte> arguments, ReadReservation reservation)
    {
        ScanArguments scan = Parse<ScanArguments>(arguments);
        StorePage page =
            _store.Scan(scan.Prefix, scan.After, Math.Min(scan.Limit, PageEntriesMax), PageBytesMax, scan.KeysOnly, _resultBytesMax,
                reservation);
        long bytes = page.Entries.Sum(entry => new ScanEntry { Key = entry.Key.Span, Value = entry.Value.Span }.Bytes);
        CheckResult(bytes);
        ReadOnlyMemory<byte>[] segments = Encode(page);
        return segments is [{ Length: < PinnedBytesMin }] ? Copied(reservation, segments[0])
            : new StoreResult(default, Pin(segments, reservation));
    }

    // Long values stay where they are, between what is copied together.
    private static ReadOnlyMemory<byte>[] Encode(StorePage page)
    {
        var segments = new List<ReadOnlyMemory<byte>>();
        var joined = new ArrayBufferWriter<byte>();
        StoreCodec.Write(joined, ScanPage.Of(page.HasMore, page.Entries.Count, []));
        foreach (StoreEntry entry in page.Entries)
        {
            if (entry.Value.Length < PinnedBytesMin)
            {
                Append(joined, new ScanEntry { Key = entry.Key.Span, Value = entry.Value.Span });
                continue;
            }

            // The entry of an empty value is all but the value, and its last field is the value's length.
            Append(joined, new ScanEntry { Key = entry.Key.Span });
            ReadOnlyMemory<byte> front = joined.WrittenMemory;
            BinaryPrimitives.WriteUInt32LittleEndian(MemoryMarshal.AsMemory(front).Span[^sizeof(uint)..], (uint)entry.Value.Length);
            segments.Add(front);
            segments.Add(entry.Value);
            joined = new ArrayBufferWriter<byte>();
        }

        if (joined.WrittenCount > 0) segments.Add(joined.WrittenMemory);
        return [.. segments];

        static void Append(ArrayBufferWriter<byte> target, ScanEntry entry)
        {
            int size = entry.Bytes;
            var body = new BodyWriter(target.GetSpan(size)[..size]);
            entry.Write(ref body);
            target.Advance(size);
        }
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
