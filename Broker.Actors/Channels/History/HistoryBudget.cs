namespace Broker.Actors.Channels.History;

/// <summary>The bytes that the histories of a whole process may hold in memory. For any thread.</summary>
/// <param name="bytesMax">Above it, stores shed; see <see cref="MemoryHistoryStore"/> for the order.</param>
public sealed class HistoryBudget(long bytesMax)
{
    private long _used;
    private long _positions;

    /// <summary>Bytes held, as stores estimate them.</summary>
    public long BytesUsed => Interlocked.Read(ref _used);

    /// <summary>The bound.</summary>
    public long BytesMax { get; } = bytesMax;

    /// <summary>Whether stores have to shed.</summary>
    public bool IsExceeded => BytesUsed > BytesMax;

    /// <summary>Whether channels' positions hold more than a quarter of it, so that stores have to drop some.</summary>
    public bool ArePositionsExceeded => Interlocked.Read(ref _positions) > BytesMax / 4;

    /// <summary>Counts what channels cost without their publications, among the bytes held.</summary>
    internal void AddPositions(long bytes) => Interlocked.Add(ref _positions, bytes);

    /// <summary>Takes bytes, or gives them back if negative.</summary>
    internal void Add(long bytes) => Interlocked.Add(ref _used, bytes);
}
