using RocksDbSharp;

namespace Broker.Store;

/// <summary>The keys with a prefix in the order of their bytes, as they were when it was opened. For one thread at a time.</summary>
/// <remarks>It keeps the files of that moment, so it belongs to someone who comes to an end. One entry is in memory at a time.</remarks>
public sealed class StoreScan : IDisposable
{
    private readonly StoreEngine _engine;
    private readonly StoreEngine.Moment _moment;
    private readonly Iterator _iterator;
    private readonly byte[] _prefix;
    private byte[]? _joined;                // The value of the entry, where it was put together.
    private bool _hasBegun;
    private bool _isDisposed;

    internal StoreScan(StoreEngine engine, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> from)
    {
        bool held = false;
        engine.DangerousAddRef(ref held);
        _engine = engine;
        _prefix = prefix.ToArray();
        _moment = engine.Freeze(fillsCache: false);
        _iterator = engine.Seek(from.SequenceCompareTo(prefix) > 0 ? from : prefix, _moment.At);
    }

    /// <summary>The key. Borrowed until the next one.</summary>
    public ReadOnlySpan<byte> Key => _iterator.GetKeySpan()[1..];

    /// <summary>Bytes of its value.</summary>
    public long ValueLength => LongValue.Of(_iterator.GetValueSpan())?.Length ?? _iterator.GetValueSpan().Length - 1;

    /// <summary>
    /// The value; one that is kept in parts is put together, so look at <see cref="ValueLength"/> before. Borrowed until the next one.
    /// </summary>
    /// <exception cref="StoreException">The store cannot read.</exception>
    public ReadOnlySpan<byte> Value =>
        LongValue.Of(_iterator.GetValueSpan()) is { } parts ? _joined ??= Join(parts) : _iterator.GetValueSpan()[1..];

    private byte[] Join(LongValue parts)
    {
        byte[] whole = new byte[parts.Length];
        Span<byte> target = whole;
        for (long i = 0; !target.IsEmpty; i++)
        {
            int copied = _engine.CopyPart(parts.Number, i, _moment.At, target);
            if (copied <= 0) throw parts.Broken(i);
            target = target[copied..];
        }

        return whole;
    }

    /// <summary>Moves to the next key, at first to the first.</summary>
    /// <returns>False behind the last.</returns>
    /// <exception cref="StoreException">The store cannot read.</exception>
    public bool MoveNext()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        _joined = null;
        if (_hasBegun) _iterator.Next();
        _hasBegun = true;
        if (_iterator.Valid()) return Records.IsClientWith(_iterator.GetKeySpan(), _prefix);
        try
        {
            StoreEngine.ThrowIfFailed(_iterator);
            return false;
        }
        catch (RocksDbSharpException failure)
        {
            throw new StoreException(StoreFault.Failed, StoreFaultText.Read, failure);
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _iterator.Dispose();
        _moment.Dispose();
        _engine.DangerousRelease();
    }
}
