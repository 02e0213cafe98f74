using System.Buffers;
using System.Runtime.InteropServices;

namespace Broker.Store;

/// <summary>A value where the database has it, or has put it: native memory, and no managed copy. Disposed of once.</summary>
/// <remarks>
/// Does not change when the key is written again, and keeps the database's memory, and the database itself open, until it
/// is disposed of. <see cref="MemoryManager{T}.Memory"/> and the span are valid until then and not a moment longer. Has no
/// finalizer, as that could free what a span still shows: who drops one keeps its memory and the database's files.
/// </remarks>
public sealed unsafe class PinnedValue : MemoryManager<byte>
{
    private readonly StoreEngine? _engine;
    private readonly byte* _bytes;
    private readonly int _length;
    private readonly int _before;
    private nint _slice;            // Of the library; or the bytes themselves, where there is no engine.

    /// <summary>Takes a slice of the library, and a reference to the engine that the caller has counted.</summary>
    /// <param name="engine">What keeps the slice's memory.</param>
    /// <param name="slice">The slice.</param>
    /// <param name="before">Bytes of it that stand before the value.</param>
    internal PinnedValue(StoreEngine engine, nint slice, int before)
    {
        _engine = engine;
        _slice = slice;
        _before = before;
        _bytes = (byte*)RocksDbSharp.Native.Instance.rocksdb_pinnableslice_value(slice, out nuint length) + before;
        _length = checked((int)length - before);
    }

    /// <summary>Native memory of its own for a value that is put together, with <see cref="LongValue.Whole"/> before it.</summary>
    /// <param name="length">Bytes of the value; the caller fills them.</param>
    internal PinnedValue(int length)
    {
        byte* block = (byte*)NativeMemory.Alloc((nuint)length + 1);
        *block = LongValue.Whole;
        _slice = (nint)block;
        _before = 1;
        _bytes = block + 1;
        _length = length;
    }

    /// <summary>What is kept: the value, and what stands before it.</summary>
    internal ReadOnlySpan<byte> Kept
    {
        get
        {
            ObjectDisposedException.ThrowIf(_slice == 0, this);
            return new ReadOnlySpan<byte>(_bytes - _before, _length + _before);
        }
    }

    /// <summary>Whether it was put together of parts, in memory of its own.</summary>
    internal bool IsJoined => _engine is null;

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
        if (_engine is null)
        {
            NativeMemory.Free((void*)slice);
            return;
        }

        RocksDbSharp.Native.Instance.rocksdb_pinnableslice_destroy(slice);
        _engine.DangerousRelease();
    }
}
