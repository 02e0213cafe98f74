namespace Broker.Core.Chunks;

/// <summary>Bytes that were put together out of a stream and count on, against a connection and the process, until they are let go.</summary>
/// <remarks>For all threads. A hold that is lost is given back by the garbage collector.</remarks>
public sealed class ChunkHold : IDisposable
{
    private readonly ChunkBudget _connection;
    private readonly ChunkBudget _process;
    private readonly long _bytes;
    private int _released;

    private ChunkHold(ChunkBudget connection, ChunkBudget process, long bytes)
    {
        _connection = connection;
        _process = process;
        _bytes = bytes;
    }

    /// <summary>Gives back what nobody holds any more.</summary>
    ~ChunkHold() => Release();

    /// <summary>Takes so many bytes of both budgets.</summary>
    /// <returns>None where they do not fit into one of them.</returns>
    public static ChunkHold? TryTake(ChunkBudget connection, ChunkBudget process, long bytes)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(process);
        if (!connection.TryTake(bytes)) return null;
        if (process.TryTake(bytes)) return new ChunkHold(connection, process, bytes);
        connection.GiveBack(bytes);
        return null;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        if (Interlocked.Exchange(ref _released, 1) == 1) return;
        _connection.GiveBack(_bytes);
        _process.GiveBack(_bytes);
    }
}
