using System.Buffers;

namespace Broker.Store;

/// <summary>A value where the database has it, or has put it: native memory, and no managed copy. Disposed of once.</summary>
/// <remarks>
/// Does not change when the key is written again, and keeps the database's memory, and the database itself open, until it
/// is disposed of. <see cref="MemoryManager{T}.Memory"/> and the span are valid until then and not a moment longer. Has no
/// finalizer, as that could free what a span still shows: who forgets one keeps its memory and the database's files.
/// </remarks>
public sealed unsafe class PinnedValue : MemoryManager<byte>
{
    private readonly StoreEngine _engine;
    private readonly byte* _bytes;
    private readonly int _length;
    private nint _slice;

    /// <summary>Takes a slice of the library, and a reference to the engine that the caller has counted.</summary>
    internal PinnedValue(StoreEngine engine, nint slice)
    {
        _engine = engine;
        _slice = slice;
        _bytes = (byte*)RocksDbSharp.Native.Instance.rocksdb_pinnableslice_value(slice, out nuint length);
        _length = checked((int)length);
    }

    /// <summary>Bytes of the value.</summary>
    public int Length => _length;

    /// <inheritdoc />
    public override Span<byte> GetSpan()
    {
        ObjectDisposedException.ThrowIf(_slice == 0, this);
        return new Span<byte>(_bytes, _length);
    }

    /// <summary>The value in an array of its own.</summary>
    public byte[] ToArray() => GetSpan().ToArray();

    /// <summary>The same as disposing of it.</summary>
    public void Dispose() => Dispose(disposing: true);

    /// <inheritdoc />
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ObjectDisposedException.ThrowIf(_slice == 0, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)elementIndex, (uint)_length);
        return new MemoryHandle(_bytes + elementIndex, pinnable: this);
    }

    /// <inheritdoc />
    public override void Unpin()
    {
    }

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        nint slice = Interlocked.Exchange(ref _slice, 0);
        if (slice == 0) return;
        RocksDbSharp.Native.Instance.rocksdb_pinnableslice_destroy(slice);
        _engine.DangerousRelease();
    }
}
