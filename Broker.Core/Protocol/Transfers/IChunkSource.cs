namespace Broker.Core.Protocol.Transfers;

/// <summary>The bytes of a stream to be sent. Disposed of once, after its last chunk or when it is cancelled.</summary>
public interface IChunkSource : IDisposable
{
    /// <summary>How many there are; does not change.</summary>
    long Bytes { get; }

    /// <summary>Copies bytes; asked for in order, each once.</summary>
    /// <param name="from">The first byte wanted.</param>
    /// <param name="target">Filled as a whole.</param>
    void CopyTo(long from, Span<byte> target);

    /// <summary>All bytes in an array of their own.</summary>
    byte[] ToArray()
    {
        byte[] whole = GC.AllocateUninitializedArray<byte>(checked((int)Bytes));
        CopyTo(0, whole);
        return whole;
    }
}

/// <summary>A source of bytes in memory that no one changes.</summary>
/// <param name="bytes">Owned, or shared for reading.</param>
public sealed class MemoryChunkSource(ReadOnlyMemory<byte> bytes) : IChunkSource
{
    /// <inheritdoc />
    public long Bytes => bytes.Length;

    /// <inheritdoc />
    public void CopyTo(long from, Span<byte> target) => bytes.Span.Slice((int)from, target.Length).CopyTo(target);

    /// <inheritdoc />
    public void Dispose()
    {
    }
}
