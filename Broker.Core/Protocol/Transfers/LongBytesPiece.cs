namespace Broker.Core.Protocol.Transfers;

/// <summary>A piece of bytes that several hold, as a source of its own.</summary>
/// <remarks>It becomes one of the holders, and releases it when it is disposed of.</remarks>
public sealed class LongBytesPiece : IChunkSource
{
    private readonly LongBytes _data;
    private readonly long _from;
    private int _isReleased;

    /// <summary>Holds the data.</summary>
    /// <param name="data">All bytes.</param>
    /// <param name="from">The first byte of the piece.</param>
    /// <param name="bytes">Bytes of the piece.</param>
    /// <exception cref="ArgumentOutOfRangeException">The piece ends behind the data.</exception>
    public LongBytesPiece(LongBytes data, long from, long bytes)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentOutOfRangeException.ThrowIfNegative(from);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, data.Bytes - from);
        _data = data.AddRef();
        _from = from;
        Bytes = bytes;
    }

    /// <inheritdoc />
    public long Bytes { get; }

    /// <inheritdoc />
    public void CopyTo(long from, Span<byte> target) => _data.CopyTo(_from + from, target);

    /// <inheritdoc />
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isReleased, 1) == 0) _data.Release();
    }
}
