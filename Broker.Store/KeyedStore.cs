using Broker.Core.Protocol.Store;
using RocksDbSharp;

namespace Broker.Store;

/// <summary>Bytes by key, in a folder of this process alone. For any thread.</summary>
/// <remarks>
/// Reads wait for the disk where the data is not in memory, so they belong on a thread that may; they never wait for a
/// write. A read may see a write that is not acknowledged yet, and none that is refused: a write stands in the log, on the disk
/// where that was asked for, before anyone can read it. <see cref="Count"/> is exact, also after a crash: it is
/// written in the same batch as what changes it, and the log has one order. So what survives a crash is all writes up to
/// some point, whatever their durability: a write of a stronger level makes everything before it just as safe.
/// </remarks>
public sealed class KeyedStore : IDisposable
{
    private const int KeysAtOnce = 64;      // Of which each has at most 64 KiB under it: what is longer is in parts.

    private readonly StoreEngine _engine;
    private readonly GroupWriter _writer;
    private readonly StoreSettings _settings;
    private readonly LongValueNumbers _numbers;

    private KeyedStore(StoreEngine engine, StoreSettings settings)
    {
        _engine = engine;
        _settings = settings;
        _numbers = new LongValueNumbers(engine.LastNumber());
        Health = new StoreHealth(settings.Notify);
        _writer = new GroupWriter(engine, settings, _numbers, Health);
    }

    /// <summary>How many keys there are.</summary>
    public long Count => _writer.Count;

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => Count == 0;

    /// <summary>Bytes of its files, with the log; what is deleted counts until it is compacted.</summary>
    public long FileBytes => Guard(static engine => engine.MeasureFiles());

    /// <summary>Writes all tables anew without what is deleted. Blocks on the disk.</summary>
    internal void Compact() => Guard(static engine =>
    {
        engine.Compact();
        return true;
    });

    /// <summary>The place of the last write in the log.</summary>
    internal long Sequence => Guard(static engine => engine.Sequence);

    /// <summary>Whether it can write.</summary>
    public StoreHealth Health { get; }

    /// <summary>Groups of writes so far; fewer than writes where writers shared.</summary>
    internal long Groups => _writer.Groups;

    /// <summary>Parts of values, with those that are being written.</summary>
    internal int CountParts() => Guard(static engine =>
    {
        using Iterator parts = engine.SeekRecord([Records.Part]);
        int count = 0;
        for (; parts.Valid() && parts.GetKeySpan()[0] == Records.Part; parts.Next()) count++;
        return count;
    });

    /// <summary>Opens the store in a folder, which is made if it is missing.</summary>
    /// <exception cref="StoreException">It cannot be opened: another process has it, or it is not a store.</exception>
    public static KeyedStore Open(string folder, StoreSettings? settings = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        settings ??= new StoreSettings();
        ArgumentOutOfRangeException.ThrowIfLessThan(settings.KeyBytesMax, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(settings.KeyBytesMax, StoreSettings.KeyBytesLimit);
        return new KeyedStore(StoreEngine.Open(folder, settings), settings);
    }

    /// <summary>The value of a key without a managed copy, or null where there is none. The caller disposes of it.</summary>
    /// <param name="key">The key.</param>
    /// <param name="bytesMax">A value that is kept in parts is put together up to so many bytes; one that is longer is refused.</param>
    public PinnedValue? Read(ReadOnlySpan<byte> key, int bytesMax = int.MaxValue) => Read(key, bytesMax, reservation: null);

    /// <param name="key">The key.</param>
    /// <param name="bytesMax">The longest value.</param>
    /// <param name="reservation">Where its bytes count, from before they are copied.</param>
    internal PinnedValue? Read(ReadOnlySpan<byte> key, int bytesMax, ReadReservation? reservation)
    {
        CheckKey(key);
        try
        {
            PinnedValue? kept = _engine.Get(key);
            if (kept is null || LongValue.Of(kept.Kept) is null) return kept;
            kept.Dispose();
            using StoreEngine.EngineReference _ = _engine.AddRef();
            using StoreEngine.Moment moment = _engine.Freeze();
            return Join(_engine.Get(key, moment.At), moment, bytesMax, reservation);
        }
        catch (Exception failure) when (IsOurs(failure))
        {
            throw Explain(failure);
        }
    }

    /// <summary>
    /// Opens the value of a key to be read piece by piece, as it is now; null where there is none. The caller disposes of it.
    /// </summary>
    public ValueReader? OpenRead(ReadOnlySpan<byte> key)
    {
        CheckKey(key);
        try
        {
            return ValueReader.Open(_engine, key);
        }
        catch (Exception failure) when (IsOurs(failure))
        {
            throw Explain(failure);
        }
    }

    /// <summary>Opens a scan of the keys with a prefix in their order, as they are now. The caller disposes of it.</summary>
    /// <param name="prefix">The first bytes of every key; none means all keys.</param>
    /// <param name="from">Begins with the first key that is not below it; none begins with the first.</param>
    public StoreScan OpenScan(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> from = default)
    {
        if (prefix.Length > _settings.KeyBytesMax || from.Length > _settings.KeyBytesMax + 1)
            throw BadKey(Math.Max(prefix.Length, from.Length));
        try
        {
            return new StoreScan(_engine, prefix, from);
        }
        catch (Exception failure) when (IsOurs(failure))
        {
            throw Explain(failure);
        }
    }

    /// <summary>Refuses a value that is announced to be too long for a stream.</summary>
    internal void CheckStreamed(ulong bytes)
    {
        if (bytes > (ulong)_settings.StreamedValueBytesMax) throw ValueWriter.TooLarge(_settings.StreamedValueBytesMax);
    }

    /// <summary>Begins to write a value of a length that only its end tells. No one sees any of it before it is published.</summary>
    /// <param name="key">The key that it will have.</param>
    public ValueWriter OpenWrite(ReadOnlyMemory<byte> key)
    {
        CheckKey(key.Span);
        return new ValueWriter(this, key, _numbers.Next(), _settings.StreamedValueBytesMax);
    }

    /// <summary>The values of several keys at one moment: no half of a batch is seen. The caller disposes of each.</summary>
    /// <param name="keys">The keys.</param>
    /// <param name="bytesMax">
    /// The most bytes of all values together, a value that is named twice counted twice; beyond it they are refused.
    /// </param>
    /// <returns>In the order of the keys; null where there is none.</returns>
    public PinnedValue?[] ReadMany(IReadOnlyList<ReadOnlyMemory<byte>> keys, int bytesMax = int.MaxValue) =>
        ReadMany(keys, bytesMax, reservation: null);

    // A few keys at a time, and what is long only when all lengths are known: so no more is held than may be returned.
    internal PinnedValue?[] ReadMany(IReadOnlyList<ReadOnlyMemory<byte>> keys, int bytesMax, ReadReservation? reservation)
    {
        ArgumentNullException.ThrowIfNull(keys);
        foreach (ReadOnlyMemory<byte> key in keys) CheckKey(key.Span);
        var values = new PinnedValue?[keys.Count];
        try
        {
            using StoreEngine.EngineReference _ = _engine.AddRef();
            using StoreEngine.Moment moment = _engine.Freeze();
            long bytes = 0;
            for (int from = 0; from < values.Length; from += KeysAtOnce)
            {
                int count = Math.Min(KeysAtOnce, values.Length - from);
                _engine.GetMany(keys, moment.At, values, from, count);
                long more = 0;
                foreach (PinnedValue? value in values.AsSpan(from, count)) more += value is null ? 0 : LengthOf(value);
                if (more > bytesMax - bytes) throw new StoreException(StoreFault.ResultTooBig, $"The result has over {bytesMax} bytes.");
                if (more > 0) reservation?.Take(more);
                bytes += more;
            }

            for (int i = 0; i < values.Length; i++) values[i] = Join(values[i], moment, bytesMax, reservation: null);
            return values;
        }
        catch (Exception failure)
        {
            foreach (PinnedValue? value in values) value?.Dispose();
            if (IsOurs(failure)) throw Explain(failure);
            throw;
        }
    }

    private static long LengthOf(PinnedValue kept) => LongValue.Of(kept.Kept)?.Length ?? kept.Length;

    /// <summary>Whether a key is there.</summary>
    public bool Exists(ReadOnlySpan<byte> key)
    {
        CheckKey(key);
        try
        {
            return _engine.Exists(key);
        }
        catch (Exception failure) when (IsOurs(failure))
        {
            throw Explain(failure);
        }
    }

    /// <summary>Reads keys with a prefix in their order, as they are at one moment.</summary>
    /// <param name="prefix">The first bytes of every key; none means all keys.</param>
    /// <param name="after">The last key of the page before; none for the first page.</param>
    /// <param name="entriesMax">Most entries; at least 1.</param>
    /// <param name="bytesMax">Most bytes of keys and values; one entry always comes.</param>
    /// <param name="keysOnly">Leaves the values out.</param>
    /// <param name="valueBytesMax">A value that is kept in parts and is longer is refused.</param>
    public StorePage Scan(
        ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int entriesMax, long bytesMax, bool keysOnly = false, int valueBytesMax =
            int.MaxValue) =>
        Scan(prefix, after, entriesMax, bytesMax, keysOnly, valueBytesMax, reservation: null);

    internal StorePage Scan(
        ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int entriesMax, long bytesMax, bool keysOnly, int valueBytesMax,
            ReadReservation? reservation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(entriesMax, 1);
        if (prefix.Length > _settings.KeyBytesMax || after.Length > _settings.KeyBytesMax)
            throw BadKey(Math.Max(prefix.Length, after.Length));
        try
        {
            using StoreEngine.EngineReference _ = _engine.AddRef();
            using StoreEngine.Moment moment = _engine.Freeze();
            using Iterator iterator = _engine.Seek(after.SequenceCompareTo(prefix) > 0 ? after : prefix, moment.At);
            if (iterator.Valid() && !after.IsEmpty && Records.IsClient(iterator.GetKeySpan(), after)) iterator.Next();
            return ReadPage(iterator, moment, prefix, entriesMax, bytesMax, keysOnly, valueBytesMax, reservation);
        }
        catch (Exception failure) when (IsOurs(failure))
        {
            throw Explain(failure);
        }
    }

    /// <summary>Sets one key.</summary>
    public Task<WriteReceipt> WriteAsync(ReadOnlyMemory<byte> key, ReadOnlyMemory<byte> value, Durability durability) =>
        WriteAsync([StoreChange.Put(key, value)], durability);

    /// <summary>Deletes one key. One that is missing changes nothing.</summary>
    public Task<WriteReceipt> DeleteAsync(ReadOnlyMemory<byte> key, Durability durability) =>
        WriteAsync([StoreChange.Delete(key)], durability);

    /// <summary>Makes all changes in their order, or none: also where the machine stops in the middle.</summary>
    /// <param name="changes">The last of those to one key counts. Their bytes are the store's until the answer.</param>
    /// <param name="durability">What the changes have outlived at the answer.</param>
    /// <returns>Fails with a <see cref="StoreException"/>.</returns>
    public Task<WriteReceipt> WriteAsync(IReadOnlyList<StoreChange> changes, Durability durability)
    {
        ArgumentNullException.ThrowIfNull(changes);
        if (durability > Durability.Disk) throw new ArgumentOutOfRangeException(nameof(durability));
        try
        {
            return _writer.Add(changes, Weigh(changes), durability);
        }
        catch (StoreException refused)
        {
            return Task.FromException<WriteReceipt>(refused);
        }
    }

    /// <summary>Writes what waits, makes it outlive the machine, and closes; the files close with the last pinned value.</summary>
    public void Dispose()
    {
        _writer.Dispose();
        if (_engine.IsClosed) return;
        try
        {
            _engine.FlushLog(sync: true);
        }
        catch (RocksDbSharpException failure)
        {
            Health.Fail(failure);
        }
        finally
        {
            _engine.Dispose();
        }
    }

    private static bool IsOurs(Exception failure) => failure is RocksDbSharpException or ObjectDisposedException or IOException;

    private static StoreException Explain(Exception failure) => failure is ObjectDisposedException
        ? new StoreException(StoreFault.Closed, "The store is closed.", failure)
        : new StoreException(StoreFault.Failed, StoreFaultText.Read, failure) { IsDamage = StoreException.MeansDamage(failure) };

    private StorePage ReadPage(
        Iterator iterator, StoreEngine.Moment moment, ReadOnlySpan<byte> prefix, int entriesMax, long bytesMax, bool keysOnly,
            int valueBytesMax, ReadReservation? reservation)
    {
        var entries = new List<StoreEntry>();
        long bytes = 0;
        bool hasMore = false;
        for (; iterator.Valid(); iterator.Next())
        {
            if (!Records.IsClientWith(iterator.GetKeySpan(), prefix)) break;
            ReadOnlySpan<byte> key = iterator.GetKeySpan()[1..];
            ReadOnlySpan<byte> kept = keysOnly ? [LongValue.Whole] : iterator.GetValueSpan();
            long more = key.Length + (LongValue.Of(kept)?.Length ?? kept.Length - 1);
            bytes += more;
            hasMore = entries.Count == entriesMax || (entries.Count > 0 && bytes > bytesMax);
            if (hasMore) break;
            if (LongValue.Of(kept) is { } cut) CheckJoined(cut, valueBytesMax);
            reservation?.Take(more);
            entries.Add(new StoreEntry(
                key.ToArray(), LongValue.Of(kept) is { } parts ? Join(parts, moment, valueBytesMax) : kept[1..].ToArray()));
        }

        StoreEngine.ThrowIfFailed(iterator);
        return new StorePage(entries, hasMore);
    }

    // A value in parts as one; any other as it is.
    private PinnedValue? Join(PinnedValue? kept, StoreEngine.Moment moment, int bytesMax, ReadReservation? reservation)
    {
        if (kept is null || LongValue.Of(kept.Kept) is not { } parts) return kept;
        kept.Dispose();
        CheckJoined(parts, bytesMax);
        reservation?.Take(parts.Length);
        var whole = new PinnedValue((int)parts.Length);
        try
        {
            Join(parts, moment, whole.GetSpan());
            return whole;
        }
        catch
        {
            whole.Dispose();
            throw;
        }
    }

    private byte[] Join(LongValue parts, StoreEngine.Moment moment, int bytesMax)
    {
        CheckJoined(parts, bytesMax);
        byte[] whole = GC.AllocateUninitializedArray<byte>((int)parts.Length);
        Join(parts, moment, whole);
        return whole;
    }

    private void Join(LongValue parts, StoreEngine.Moment moment, Span<byte> target)
    {
        for (long i = 0; !target.IsEmpty; i++)
        {
            int copied = _engine.CopyPart(parts.Number, i, moment.At, target);
            if (copied <= 0) throw parts.Broken(i);
            target = target[copied..];
        }
    }

    private static void CheckJoined(LongValue parts, int bytesMax)
    {
        if (parts.Length > Math.Min(bytesMax, Array.MaxLength))
            throw new StoreException(
                StoreFault.ResultTooBig, $"The value has {parts.Length} bytes, too many for one piece: read it as a stream.");
    }

    /// <summary>Makes changes of the store's own, which are judged already.</summary>
    internal Task<WriteReceipt> WriteOwnAsync(IReadOnlyList<StoreChange> changes, long bytes, Durability durability) =>
        _writer.Add(changes, bytes, durability);

    private T Guard<T>(Func<StoreEngine, T> ask)
    {
        try
        {
            using StoreEngine.EngineReference _ = _engine.AddRef();
            return ask(_engine);
        }
        catch (Exception failure) when (IsOurs(failure))
        {
            throw Explain(failure);
        }
    }

    private long Weigh(IReadOnlyList<StoreChange> changes)
    {
        if (changes.Count > _settings.BatchChangesMax)
        {
            throw new StoreException(StoreFault.BatchTooBig, $"A batch has at most {_settings.BatchChangesMax} changes.");
        }

        long bytes = 0;
        foreach (StoreChange change in changes)
        {
            CheckKey(change.Key.Span);
            if (change.Value.Length > _settings.ValueBytesMax)
            {
                throw new StoreException(StoreFault.ValueTooBig, $"A value has at most {_settings.ValueBytesMax} bytes.");
            }

            bytes += change.Key.Length + change.Value.Length;
        }

        return bytes <= _settings.BatchBytesMax
            ? bytes
            : throw new StoreException(StoreFault.BatchTooBig, $"A batch has at most {_settings.BatchBytesMax} bytes.");
    }

    private void CheckKey(ReadOnlySpan<byte> key)
    {
        if (key.IsEmpty || key.Length > _settings.KeyBytesMax) throw BadKey(key.Length);
    }

    private StoreException BadKey(int length) =>
        new(StoreFault.BadKey, $"A key has 1 to {_settings.KeyBytesMax} bytes, not {length}.");
}
