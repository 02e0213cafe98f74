using Broker.Core.Protocol.Transfers;

namespace Broker.Store;

/// <summary>
/// One value, read piece by piece as it was when it was opened: later writes change nothing here. For one thread at a time.
/// </summary>
/// <remarks>It keeps the files that hold the value, so it belongs to someone who comes to an end.</remarks>
public sealed class ValueReader : IDisposable
{
    /// <summary>The most bytes of a piece.</summary>
    public const int PieceBytesMax = LongValue.PartBytes;

    private readonly StoreEngine _engine;
    private readonly StoreEngine.Moment _moment;
    private readonly LongValue? _parts;
    private readonly LongBytes? _whole;         // Where it is not kept in parts.
    private bool _isDisposed;

    private ValueReader(StoreEngine engine, StoreEngine.Moment moment, PinnedValue kept)
    {
        _engine = engine;
        _moment = moment;
        _parts = LongValue.Of(kept.Kept);
        if (_parts is { } parts)
        {
            Length = parts.Length;
            kept.Dispose();
            return;
        }

        Length = kept.Length;
        _whole = new LongBytes([kept.Memory], kept);
    }

    /// <summary>Bytes of the value.</summary>
    public long Length { get; }

    /// <summary>A piece in the database's own memory. The caller disposes of it; it outlives the reader.</summary>
    /// <param name="from">Its first byte: 0 to <see cref="Length"/>, and then there is none.</param>
    /// <param name="bytesMax">Its most bytes, over 0; there may be fewer.</param>
    /// <exception cref="StoreException">The store cannot read.</exception>
    public IChunkSource Read(long from, long bytesMax = PieceBytesMax)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ArgumentOutOfRangeException.ThrowIfLessThan(bytesMax, 1);
        long bytes = Math.Min(Math.Min(bytesMax, PieceBytesMax - (from % PieceBytesMax)), Length - from);
        if (_whole is not null) return new LongBytesPiece(_whole, from, bytes);

        long index = from / PieceBytesMax;
        PinnedValue part = _engine.GetPart(_parts!.Value.Number, index, _moment.At) ?? throw _parts.Value.Broken(index);
        var shared = new LongBytes([part.Memory], part);
        var piece = new LongBytesPiece(shared, from % PieceBytesMax, bytes);
        shared.Release();
        return piece;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _whole?.Release();
        _moment.Dispose();
        _engine.DangerousRelease();
    }

    internal static ValueReader? Open(StoreEngine engine, ReadOnlySpan<byte> key)
    {
        bool held = false;
        engine.DangerousAddRef(ref held);
        StoreEngine.Moment? moment = null;
        try
        {
            moment = engine.Freeze(fillsCache: false);
            if (engine.Get(key, moment.At) is { } kept) return new ValueReader(engine, moment, kept);
        }
        catch
        {
            moment?.Dispose();
            engine.DangerousRelease();
            throw;
        }

        moment.Dispose();
        engine.DangerousRelease();
        return null;
    }
}
