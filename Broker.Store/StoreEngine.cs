using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using RocksDbSharp;

namespace Broker.Store;

/// <summary>The database in its folder: what the library is asked, and the form of what it keeps.</summary>
/// <remarks>
/// Every record has a byte in front that says what it is; <see cref="Records"/> has them. One family of columns holds all, so
/// that one file or one record of the log holds a batch and the number of keys after it. Counted as a safe handle is: the
/// database closes when the store and the last pinned value were released.
/// </remarks>
internal sealed unsafe class StoreEngine : SafeHandle
{
    private readonly RocksDb _database;
    private readonly Cache _cache;                  // The library's options hold these by their addresses only.
    private readonly BlockBasedTableOptions _table;
    private readonly DbOptions _options;
    private readonly ReadOptions _latest = new();
    private readonly WriteOptions _buffered = new(), _synced = new WriteOptions().SetSync(true);
    private readonly string _folder;
    private readonly nint _family;                  // The one family of columns, as some questions want it named.

    private StoreEngine(string folder, StoreSettings settings)
        : base(0, ownsHandle: true)
    {
        _folder = folder;
        _cache = Cache.CreateLru((ulong)settings.CacheBytes);
        _table = new BlockBasedTableOptions().SetBlockCache(_cache).SetFilterPolicy(BloomFilterPolicy.Create(10, false));
        _options = new DbOptions()
            .SetCreateIfMissing(true)
            .SetWriteBufferSize((ulong)settings.WriteBufferBytes)
            .SetMaxWriteBufferNumber(2)
            .SetWalRecoveryMode(Recovery.PointInTime)
            .SetKeepLogFileNum(2)
            .SetMaxLogFileSize(1024 * 1024)
            .SetBlockBasedTableFactory(_table);

        // The log is written before a reader sees what it says: a library that keeps it in the process shows first, and may fail then.
        _database = RocksDb.Open(_options, folder);
        SetHandle(_database.Handle);
        _family = RocksDbSharp.Native.Instance.rocksdb_get_default_column_family_handle(handle);
    }

    /// <inheritdoc />
    public override bool IsInvalid => handle == 0;

    /// <summary>The place of the last write in the log.</summary>
    public long Sequence => (long)_database.GetLatestSequenceNumber();

    /// <summary>Opens or makes a database.</summary>
    /// <exception cref="StoreException">It cannot be opened, is in use, or is of another format.</exception>
    public static StoreEngine Open(string folder, StoreSettings settings)
    {
        StoreEngine engine;
        NativeLibraryFolder.EnsureLoaded();
        try
        {
            Directory.CreateDirectory(folder);
            StoreFolderCheck.Run(folder, settings);
            engine = new StoreEngine(folder, settings);
        }
        catch (Exception failure) when (failure is RocksDbSharpException or IOException or UnauthorizedAccessException)
        {
            string why = failure.Message.Contains("lock file", StringComparison.Ordinal) ? $"another process has it open. {failure.Message}"
                : failure.Message.StartsWith("Corruption", StringComparison.Ordinal) ? $"{failure.Message} {StoreFolderCheck.WayOn(folder)}"
                : failure.Message;
            throw new StoreException(StoreFault.Failed, $"The store {folder} cannot be opened: {why}", failure)
                { IsDamage = StoreException.MeansDamage(failure) };
        }

        try
        {
            if (settings.VerifiesTables) engine.VerifyTables();
            new StoreOpening(engine, folder).Run();
            return engine;
        }
        catch (RocksDbSharpException failure)
        {
            engine.Dispose();
            throw new StoreException(
                StoreFault.Failed, $"The store {folder} is damaged: {failure.Message} {StoreFolderCheck.WayOn(folder)}", failure)
                    { IsDamage = true };
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

    /// <summary>Opens a database whose content may not be in order.</summary>
    /// <exception cref="StoreException">It is of another format, or cannot be opened.</exception>
    public static StoreEngine OpenRepaired(string folder)
    {
        try
        {
            return new StoreEngine(folder, new StoreSettings());
        }
        catch (RocksDbSharpException failure)
        {
            throw new StoreException(StoreFault.Failed, $"The store {folder} cannot be repaired: {failure.Message}", failure);
        }
    }

    /// <summary>Reads all tables, and compares every block with its checksum.</summary>
    /// <exception cref="RocksDbSharpException">One of them is damaged; names the file and the place.</exception>
    public void VerifyTables() => RocksDbSharp.Native.Instance.rocksdb_verify_checksum(handle);

    /// <summary>Writes what is in memory, and all tables anew without what is deleted.</summary>
    public void Compact() => _database.CompactRange((byte[]?)null, (byte[]?)null);

    /// <summary>Bytes of all its files.</summary>
    public long MeasureFiles()
    {
        long bytes = 0;
        foreach (FileInfo file in new DirectoryInfo(_folder).EnumerateFiles())
        {
            try
            {
                bytes += file.Length;
            }
            catch (FileNotFoundException)
            {
                // A compaction has deleted it since.
            }
        }

        return bytes;
    }

    /// <summary>The number of keys that was written with the last batch.</summary>
    public long ReadCount() => ReadNumber(Records.CountKey) ?? 0;

    /// <summary>What is kept under a client's key, or null: the value itself, or where its parts are.</summary>
    /// <param name="key">The client's key.</param>
    /// <param name="at">The moment to read at; the latest unless given.</param>
    public PinnedValue? Get(ReadOnlySpan<byte> key, ReadOptions? at = null)
    {
        Span<byte> record = stackalloc byte[key.Length + 1];
        return GetRecord(Records.NameOf(key, record), at, before: 1);
    }

    /// <summary>What is kept under several keys at one moment, in their order: the library looks for all of them together.</summary>
    /// <param name="keys">The clients' keys.</param>
    /// <param name="at">The moment.</param>
    /// <param name="values">Filled: null where there is no key.</param>
    /// <param name="from">The first of them.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="RocksDbSharpException">One of them cannot be read; what was found stands in the values.</exception>
    public void GetMany(IReadOnlyList<ReadOnlyMemory<byte>> keys, ReadOptions at, PinnedValue?[] values, int from, int count)
    {
        if (count == 0) return;
        int bytes = 0;
        for (int i = 0; i < count; i++) bytes += keys[from + i].Length + 1;
        byte[] records = ArrayPool<byte>.Shared.Rent(bytes);
        nint[] found = ArrayPool<nint>.Shared.Rent(count), errors = new nint[count];
        (nint Bytes, nuint Length)[] names = ArrayPool<(nint, nuint)>.Shared.Rent(count);
        try
        {
            fixed (byte* record = records)
            fixed (nint* slices = found)
            fixed ((nint, nuint)* first = names)
            {
                int written = 0;
                for (int i = 0; i < count; i++)
                {
                    ReadOnlySpan<byte> key = keys[from + i].Span, name = Records.NameOf(key, records.AsSpan(written, key.Length + 1));
                    names[i] = ((nint)(record + written), (nuint)name.Length);
                    written += name.Length;
                }

                RocksDbSharp.Native.Instance.rocksdb_batched_multi_get_cf_slice(
                    handle, at.Handle, _family, (nuint)count, (nint)first, (nint)slices, errors, 0);
            }

            for (int i = 0; i < count; i++)
            {
                if (found[i] == 0) continue;
                bool held = false;
                DangerousAddRef(ref held);
                values[from + i] = new PinnedValue(this, found[i], before: 1);
            }

            ThrowFirst(errors);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(records);
            ArrayPool<nint>.Shared.Return(found);
            ArrayPool<(nint, nuint)>.Shared.Return(names);
        }
    }

    private static void ThrowFirst(nint[] errors)
    {
        string? first = null;
        foreach (nint error in errors)
        {
            if (error == 0) continue;
            first ??= Marshal.PtrToStringUTF8(error);
            RocksDbSharp.Native.Instance.rocksdb_free(error);
        }

        if (first is not null) throw new RocksDbSharpException(first);
    }

    /// <summary>A part of a long value, or null.</summary>
    public PinnedValue? GetPart(ulong value, long index, ReadOptions at)
    {
        Span<byte> record = stackalloc byte[Records.PartBytes];
        return GetRecord(Records.NameOfPart(value, index, record), at, before: 0);
    }

    /// <summary>Copies a part of a long value.</summary>
    /// <param name="value">The value's number.</param>
    /// <param name="index">The part's.</param>
    /// <param name="at">The moment.</param>
    /// <param name="target">Room for it.</param>
    /// <returns>Its bytes; -1 where it is missing, or is longer than the target.</returns>
    public int CopyPart(ulong value, long index, ReadOptions at, Span<byte> target)
    {
        Span<byte> record = stackalloc byte[Records.PartBytes];
        nint slice = FindRecord(Records.NameOfPart(value, index, record), at);
        if (slice == 0) return -1;
        try
        {
            byte* bytes = (byte*)RocksDbSharp.Native.Instance.rocksdb_pinnableslice_value(slice, out nuint length);
            return new ReadOnlySpan<byte>(bytes, checked((int)length)).TryCopyTo(target) ? (int)length : -1;
        }
        finally
        {
            RocksDbSharp.Native.Instance.rocksdb_pinnableslice_destroy(slice);
        }
    }

    /// <summary>Whether a client's key is there.</summary>
    public bool Exists(ReadOnlySpan<byte> key) => Look(key).Exists;

    /// <summary>What is kept under a client's key, without its bytes.</summary>
    public KeyState Look(ReadOnlySpan<byte> key)
    {
        using var _ = AddRef();
        Span<byte> record = stackalloc byte[key.Length + 1];
        nint slice = FindRecord(Records.NameOf(key, record), at: null);
        if (slice == 0) return default;
        try
        {
            byte* bytes = (byte*)RocksDbSharp.Native.Instance.rocksdb_pinnableslice_value(slice, out nuint length);
            return new KeyState(Exists: true, LongValue.Of(new ReadOnlySpan<byte>(bytes, checked((int)length))));
        }
        finally
        {
            RocksDbSharp.Native.Instance.rocksdb_pinnableslice_destroy(slice);
        }
    }

    /// <summary>The highest number of a long value that has parts; 0 where there are none.</summary>
    public ulong LastNumber()
    {
        Span<byte> end = stackalloc byte[Records.PartBytes];
        using Iterator last = _database.NewIterator().SeekForPrev(Records.NameOfPart(ulong.MaxValue, -1, end));
        ThrowIfFailed(last);
        return last.Valid() && last.GetKeySpan()[0] == Records.Part ? Records.NumberOf(last.GetKeySpan()) : 0;
    }

    /// <summary>A moment that several reads share: they see every batch as a whole, or not at all.</summary>
    /// <param name="fillsCache">Whether what is read stays in memory; not where it would push out all else.</param>
    public Moment Freeze(bool fillsCache = true) => new(this, fillsCache);

    /// <summary>An iterator at the first client's key that is not below the one given; its keys have a byte in front.</summary>
    public Iterator Seek(ReadOnlySpan<byte> key, ReadOptions? at = null)
    {
        Span<byte> record = stackalloc byte[key.Length + 1];
        return SeekRecord(Records.NameOf(key, record), at);
    }

    /// <summary>An iterator at the first record that is not below the one given.</summary>
    public Iterator SeekRecord(ReadOnlySpan<byte> record, ReadOptions? at = null) => _database.NewIterator(null, at).Seek(record);

    /// <summary>Throws what stopped an iterator, if that was not the end.</summary>
    public static void ThrowIfFailed(Iterator iterator) => RocksDbSharp.Native.Instance.rocksdb_iter_get_error(iterator.Handle);

    /// <summary>Writes a batch, all of it or nothing: to the log, with the operating system, and then where it is read.</summary>
    /// <param name="batch">The changes.</param>
    /// <param name="sync">Whether the log is on the disk before anyone sees them.</param>
    public void Write(WriteBatch batch, bool sync = false) => _database.Write(batch, sync ? _synced : _buffered);

    /// <summary>Takes out of the newest log what was not acknowledged, after a write has failed.</summary>
    /// <param name="sequence">Of the last change that stays.</param>
    public void CutLogBehind(long sequence) => LogFolder.CutBehind(_folder, (ulong)sequence);

    /// <summary>Writes and syncs a file of its own in the folder, and deletes it.</summary>
    /// <returns>Whether the disk takes it.</returns>
    public bool TryWriteFile()
    {
        string path = Path.Combine(_folder, "0.dbtmp");     // The library deletes one that is left over.
        try
        {
            using (var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                file.Write(new byte[4096]);
                file.Flush(flushToDisk: true);
            }

            File.Delete(path);
            return true;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>Hands the log to the operating system.</summary>
    /// <param name="sync">Whether to wait for the disk, too.</param>
    public void FlushLog(bool sync) => RocksDbSharp.Native.Instance.rocksdb_flush_wal(handle, sync ? (byte)1 : (byte)0);

    /// <summary>Keeps the database open until the answer is disposed of.</summary>
    public EngineReference AddRef() => new(this);

    /// <inheritdoc />
    protected override bool ReleaseHandle()
    {
        RocksDbSharp.Native.Instance.rocksdb_column_family_handle_destroy(_family);
        _database.Dispose();
        GC.KeepAlive(_options);
        GC.KeepAlive(_table);
        GC.KeepAlive(_cache);
        return true;
    }

    /// <summary>A number of the store's own, or none.</summary>
    public long? ReadNumber(ReadOnlySpan<byte> record)
    {
        PinnedValue? value = GetRecord(record, at: null, before: 0);
        if (value is null) return null;
        long number = BinaryPrimitives.ReadInt64LittleEndian(value.GetSpan());
        value.Dispose();
        return number;
    }

    private PinnedValue? GetRecord(ReadOnlySpan<byte> record, ReadOptions? at, int before)
    {
        bool held = false;
        DangerousAddRef(ref held);
        PinnedValue? value = null;
        try
        {
            nint slice = FindRecord(record, at);
            if (slice != 0) value = new PinnedValue(this, slice, before);
        }
        finally
        {
            if (value is null) DangerousRelease();
        }

        return value;
    }

    private nint FindRecord(ReadOnlySpan<byte> record, ReadOptions? at)
    {
        fixed (byte* bytes = record)
        {
            return RocksDbSharp.Native.Instance.rocksdb_get_pinned(handle, (at ?? _latest).Handle, bytes, (nuint)record.Length);
        }
    }

    /// <summary>Keeps the database open.</summary>
    public readonly ref struct EngineReference
    {
        private readonly StoreEngine _engine;

        public EngineReference(StoreEngine engine)
        {
            bool held = false;
            engine.DangerousAddRef(ref held);
            _engine = engine;
        }

        public void Dispose() => _engine.DangerousRelease();
    }

    /// <summary>One moment of the database.</summary>
    public sealed class Moment : IDisposable
    {
        private readonly Snapshot _snapshot;

        public Moment(StoreEngine engine, bool fillsCache)
        {
            _snapshot = engine._database.CreateSnapshot();
            At = new ReadOptions().SetSnapshot(_snapshot).SetFillCache(fillsCache);
        }

        public ReadOptions At { get; }

        public void Dispose() => _snapshot.Dispose();
    }
}
