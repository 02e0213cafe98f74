namespace Broker.Core.Deflate;

/// <summary>Bytes that the contexts of all connections of a process may come to. For all threads.</summary>
/// <param name="bytesMax">The bound.</param>
public sealed class DeflateBudget(long bytesMax)
{
    private long _taken;

    /// <summary>Bytes taken and not returned.</summary>
    public long BytesReserved => Interlocked.Read(ref _taken);

    /// <summary>Takes so many bytes, or none of them.</summary>
    public bool TryTake(int bytes)
    {
        if (Interlocked.Add(ref _taken, bytes) <= bytesMax || bytes == 0) return true;
        Return(bytes);
        return false;
    }

    /// <summary>Gives bytes back.</summary>
    public void Return(int bytes) => Interlocked.Add(ref _taken, -bytes);
}
