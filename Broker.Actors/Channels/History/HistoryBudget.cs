namespace Broker.Actors.Channels.History;

/// <summary>The bytes that the histories of a whole process may hold in memory. For any thread.</summary>
/// <param name="bytesMax">Above it, stores shed; see <see cref="MemoryHistoryStore"/> for the order.</param>
public sealed class HistoryBudget(long bytesMax)
{
    private long _used;

    /// <summary>Bytes held, as stores estimate them.</summary>
    public long BytesUsed => Interlocked.Read(ref _used);

    /// <summary>The bound.</summary>
    public long BytesMax { get; } = bytesMax;

    /// <summary>Whether stores have to shed.</summary>
    public bool IsExceeded => BytesUsed > BytesMax;

    /// <summary>Takes bytes, or gives them back if negative.</summary>
    internal void Add(long bytes) => Interlocked.Add(ref _used, bytes);
}
