namespace Broker.Core.Protocol.Transfers;

/// <summary>Bytes of a stream that count, against the process and perhaps a connection, until they are released.</summary>
/// <remarks>For all threads. A hold that is lost is returned by the garbage collector.</remarks>
public sealed class ChunkReservation : IDisposable
{
    private readonly ChunkBudget? _connection;
    private readonly ChunkBudget _process;
    private readonly long _bytes;
    private int _released;

    private ChunkReservation(ChunkBudget? connection, ChunkBudget process, long bytes)
    {
        _connection = connection;
        _process = process;
        _bytes = bytes;
    }

    /// <summary>Returns what nothing references any more.</summary>
    ~ChunkReservation() => Release();

    /// <summary>Takes so many bytes of both budgets.</summary>
    /// <returns>None where they do not fit into one of them.</returns>
    public static ChunkReservation? TryTake(ChunkBudget connection, ChunkBudget process, long bytes)
    {
        ArgumentNullException.ThrowIfNull(connection);
        ArgumentNullException.ThrowIfNull(process);
        if (!connection.TryTake(bytes)) return null;
        if (process.TryTake(bytes)) return new ChunkReservation(connection, process, bytes);
        connection.Return(bytes);
        return null;
    }

    /// <summary>Takes so many bytes of the process's budget.</summary>
    /// <returns>None where they do not fit.</returns>
    public static ChunkReservation? TryTake(ChunkBudget process, long bytes)
    {
        ArgumentNullException.ThrowIfNull(process);
        return process.TryTake(bytes) ? new ChunkReservation(connection: null, process, bytes) : null;
    }

    /// <summary>The same for what a client can wait for or ask for again: leaves room for what comes without credit.</summary>
    /// <param name="process">The process's budget.</param>
    /// <param name="bytes">Bytes.</param>
    /// <param name="now">The time.</param>
    /// <returns>None where they do not fit; the budget is then under pressure.</returns>
    public static ChunkReservation? TryReserve(ChunkBudget process, long bytes, TimeSpan now)
    {
        ArgumentNullException.ThrowIfNull(process);
        if (!process.TryReserve(bytes, now)) return null;
        process.Use(bytes);
        return new ChunkReservation(connection: null, process, bytes);
    }

    /// <summary>Takes over bytes that are counted in the process's budget already, and takes as many of the connection's.</summary>
    /// <returns>None where they do not fit into the connection's; the caller goes on counting them.</returns>
    internal static ChunkReservation? TryTakeOver(ChunkBudget connection, ChunkBudget process, long bytes, long countedBytes)
    {
        if (!connection.TryTake(bytes)) return null;
        if (countedBytes > bytes) process.Return(countedBytes - bytes);
        else if (!process.TryTake(bytes - countedBytes))
        {
            connection.Return(bytes);
            return null;
        }

        return new ChunkReservation(connection, process, bytes);
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
        _connection?.Return(_bytes);
        _process.Return(_bytes);
    }
}
