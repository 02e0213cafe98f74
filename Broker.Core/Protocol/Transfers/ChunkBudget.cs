namespace Broker.Core.Protocol.Transfers;

/// <summary>Memory that the streams of a whole process may hold, whatever their connections may. For all threads.</summary>
/// <param name="bytesMax">The most bytes.</param>
public sealed class ChunkBudget(long bytesMax)
{
    private long _bytes;

    /// <summary>The most bytes.</summary>
    public long BytesMax => bytesMax;

    /// <summary>Bytes that are held now.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Takes so many bytes, or none where they do not fit.</summary>
    public bool TryTake(long bytes)
    {
        long held = Volatile.Read(ref _bytes);
        while (bytes <= bytesMax - held)
        {
            long seen = Interlocked.CompareExchange(ref _bytes, held + bytes, held);
            if (seen == held) return true;
            held = seen;
        }

        return false;
    }

    /// <summary>Gives back what was taken.</summary>
    public void GiveBack(long bytes) => Interlocked.Add(ref _bytes, -bytes);
}
