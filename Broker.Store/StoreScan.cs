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

    /// <summary>Whether the value is kept in parts, and is not to be had here: see <see cref="KeyedStore.OpenRead"/>.</summary>
    public bool IsInParts => LongValue.Of(_iterator.GetValueSpan()) is not null;

    /// <summary>The value, unless it <see cref="IsInParts"/>. Borrowed until the next one.</summary>
    public ReadOnlySpan<byte> Value => IsInParts ? default : _iterator.GetValueSpan()[1..];

    /// <summary>Moves to the next key, at first to the first.</summary>
    /// <returns>False behind the last.</returns>
    /// <exception cref="StoreException">The store cannot read.</exception>
    public bool MoveNext()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
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
