using System.Buffers.Binary;
using System.Runtime.InteropServices;
using RocksDbSharp;

namespace Broker.Store;

/// <summary>The database in its folder: what the library is asked, and the form of what it keeps.</summary>
/// <remarks>
/// Every record has a byte in front: 0 for the store's own, 1 for the keys of clients. One family of columns holds both, so
/// that one file or one record of the log holds a batch and the number of keys after it. Counted as a safe handle is: the
/// database closes when the store and the last pinned value have let go.
/// </remarks>
internal sealed unsafe class StoreEngine : SafeHandle
{
    private const byte OwnRecord = 0, ClientRecord = 1;
    private const long Format = 1;

    private readonly RocksDb _database;
    private readonly Cache _cache;                  // The library's options hold these by their addresses only.
    private readonly BlockBasedTableOptions _table;
    private readonly DbOptions _options;
    private readonly ReadOptions _latest = new();
    private readonly WriteOptions _buffered = new();
    private readonly string _folder;

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

        // The log stays in the process until it is flushed, and then it is flushed as a whole: see Durability.
        RocksDbSharp.Native.Instance.rocksdb_options_set_manual_wal_flush(_options.Handle, 1);
        _database = RocksDb.Open(_options, folder);
        SetHandle(_database.Handle);
    }

    /// <inheritdoc />
    public override bool IsInvalid => handle == 0;

    /// <summary>The place of the last write in the log.</summary>
    public long Sequence => (long)_database.GetLatestSequenceNumber();

    private static ReadOnlySpan<byte> FormatKey => [OwnRecord, (byte)'f', (byte)'o', (byte)'r', (byte)'m'];

    private static ReadOnlySpan<byte> CountKey => [OwnRecord, (byte)'l', (byte)'e', (byte)'n'];

    /// <summary>Opens or makes a database.</summary>
    /// <exception cref="StoreException">It cannot be opened, is in use, or is of another format.</exception>
    public static StoreEngine Open(string folder, StoreSettings settings)
    {
        StoreEngine engine;
        try
        {
            Directory.CreateDirectory(folder);
            engine = new StoreEngine(folder, settings);
        }
        catch (Exception failure) when (failure is RocksDbSharpException or IOException or UnauthorizedAccessException)
        {
            string why = failure.Message.Contains("lock file", StringComparison.Ordinal) ? $"another process has it open. {failure.Message}" : failure.Message;
            throw new StoreException(StoreFault.Failed, $"The store {folder} cannot be opened: {why}", failure);
        }

        try
        {
            engine.CheckFormat();
            return engine;
        }
        catch
        {
            engine.Dispose();
            throw;
        }
    }

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
    public long ReadCount() => ReadNumber(CountKey) ?? 0;

    /// <summary>A client's value, or null.</summary>
    /// <param name="key">The client's key.</param>
    /// <param name="at">The moment to read at; the latest unless given.</param>
    public PinnedValue? Get(ReadOnlySpan<byte> key, ReadOptions? at = null)
    {
        Span<byte> record = stackalloc byte[key.Length + 1];
        return GetRecord(NameOf(key, record), at);
    }

    /// <summary>Whether a client's key is there.</summary>
    public bool Exists(ReadOnlySpan<byte> key)
    {
        using var _ = Hold();
        Span<byte> record = stackalloc byte[key.Length + 1];
        nint slice = FindRecord(NameOf(key, record), at: null);
        if (slice != 0) RocksDbSharp.Native.Instance.rocksdb_pinnableslice_destroy(slice);
        return slice != 0;
    }

    /// <summary>A moment that several reads share: they see every batch as a whole, or not at all.</summary>
    public Moment Freeze() => new(this);

    /// <summary>An iterator at the first client's key that is not below the one given; its keys have a byte in front.</summary>
    public Iterator Seek(ReadOnlySpan<byte> key)
    {
        Span<byte> record = stackalloc byte[key.Length + 1];
        return _database.NewIterator().Seek(NameOf(key, record));
    }

    /// <summary>Throws what stopped an iterator, if that was not the end.</summary>
    public static void ThrowIfFailed(Iterator iterator) => RocksDbSharp.Native.Instance.rocksdb_iter_get_error(iterator.Handle);

    /// <summary>Puts a client's key into a batch.</summary>
    public static void Put(WriteBatch batch, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        Span<byte> record = stackalloc byte[key.Length + 1];
        batch.Put(NameOf(key, record), value);
    }

    /// <summary>Puts the deletion of a client's key into a batch.</summary>
    public static void Delete(WriteBatch batch, ReadOnlySpan<byte> key)
    {
        Span<byte> record = stackalloc byte[key.Length + 1];
        batch.Delete(NameOf(key, record));
    }

    /// <summary>Puts the number of keys into a batch.</summary>
    public static void PutCount(WriteBatch batch, long count) => PutNumber(batch, CountKey, count);

    /// <summary>Writes a batch, all of it or nothing. It can be read at once; the log waits for <see cref="FlushLog"/>.</summary>
    public void Write(WriteBatch batch) => _database.Write(batch, _buffered);

    /// <summary>Hands the log to the operating system.</summary>
    /// <param name="sync">Whether to wait for the disk, too.</param>
    public void FlushLog(bool sync) => RocksDbSharp.Native.Instance.rocksdb_flush_wal(handle, sync ? (byte)1 : (byte)0);

    /// <summary>Keeps the database open until the answer is disposed of.</summary>
    public Holding Hold() => new(this);

    /// <inheritdoc />
    protected override bool ReleaseHandle()
    {
        _database.Dispose();
        GC.KeepAlive(_options);
        GC.KeepAlive(_table);
        GC.KeepAlive(_cache);
        return true;
    }

    private static ReadOnlySpan<byte> NameOf(ReadOnlySpan<byte> key, Span<byte> record)
    {
        record[0] = ClientRecord;
        key.CopyTo(record[1..]);
        return record;
    }

    private static void PutNumber(WriteBatch batch, ReadOnlySpan<byte> key, long number)
    {
        Span<byte> value = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(value, number);
        batch.Put(key, value);
    }

    private long? ReadNumber(ReadOnlySpan<byte> key)
    {
        PinnedValue? value = GetRecord(key, at: null);
        if (value is null) return null;
        long number = BinaryPrimitives.ReadInt64LittleEndian(value.GetSpan());
        value.Dispose();
        return number;
    }

    private void CheckFormat()
    {
        long? format = ReadNumber(FormatKey);
        if (format == Format) return;
        using Iterator first = _database.NewIterator().SeekToFirst();
        ThrowIfFailed(first);
        if (format is not null || first.Valid())
        {
            throw new StoreException(StoreFault.Failed, $"The folder {_folder} holds no store of format {Format}.");
        }

        using var batch = new WriteBatch();
        PutNumber(batch, FormatKey, Format);
        Write(batch);
        FlushLog(sync: true);
    }

    private PinnedValue? GetRecord(ReadOnlySpan<byte> record, ReadOptions? at)
    {
        bool held = false;
        DangerousAddRef(ref held);
        PinnedValue? value = null;
        try
        {
            nint slice = FindRecord(record, at);
            if (slice != 0) value = new PinnedValue(this, slice);
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
    public readonly ref struct Holding
    {
        private readonly StoreEngine _engine;

        public Holding(StoreEngine engine)
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

        public Moment(StoreEngine engine)
        {
            _snapshot = engine._database.CreateSnapshot();
            At = new ReadOptions().SetSnapshot(_snapshot);
        }

        public ReadOptions At { get; }

        public void Dispose() => _snapshot.Dispose();
    }
}
