using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Calls;

namespace Broker.Store;

/// <summary>
/// Bytes that the results of running reads hold, from before they are gathered until they have left: of each client, and of all.
/// </summary>
/// <remarks>
/// A client whose results wait already is refused what is beyond its share: it asks for more than it takes. One that waits for
/// each answer is not, as one result alone is always within its share. Where all clients together hold as much as they may, a read waits
/// its turn, for a bounded time. For all threads.
/// </remarks>
/// <param name="bytesMax">Of all clients.</param>
/// <param name="clientBytesMax">Of one client; the longest result or more.</param>
/// <param name="waitLimit">How long a read waits for room.</param>
/// <param name="time">The clock of that.</param>
public sealed class ReadBudget(long bytesMax, long clientBytesMax, TimeSpan waitLimit, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _clients = new(StringComparer.Ordinal);
    private readonly LinkedList<Waiter> _waiting = new();
    private long _bytes;

    /// <summary>Bytes that are held.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate) return _bytes;
        }
    }

    /// <summary>Reads that wait for room.</summary>
    internal int Waiting
    {
        get
        {
            lock (_gate) return _waiting.Count;
        }
    }

    /// <summary>Begins the account of one read, which holds nothing yet.</summary>
    /// <param name="client">Whose it is.</param>
    internal ReadReservation Begin(string client) => new(this, client);

    /// <summary>Takes more for a read, if there is room.</summary>
    /// <returns>False where the others hold too much: then it releases everything, and waits.</returns>
    /// <exception cref="CallFaultException">The client's own results hold too much.</exception>
    internal bool TryTake(ReadReservation reservation, long bytes)
    {
        lock (_gate)
        {
            CheckShare(reservation, bytes);
            if (_waiting.Count > 0 || (_bytes > 0 && bytes > bytesMax - _bytes)) return false;
            Take(reservation, bytes);
            return true;
        }
    }

    /// <summary>Takes for a read that holds nothing, once there is room.</summary>
    /// <exception cref="CallFaultException">The client's own results hold too much, or there was no room in time.</exception>
    internal async Task TakeAsync(ReadReservation reservation, long bytes, CancellationToken cancellationToken)
    {
        var waiter = new Waiter(reservation, bytes);
        LinkedListNode<Waiter> place;
        lock (_gate)
        {
            CheckShare(reservation, bytes);
            place = _waiting.AddLast(waiter);
            Admit();
        }

        try
        {
            await waiter.Admitted.Task.WaitAsync(waitLimit, time, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is TimeoutException or OperationCanceledException)
        {
            lock (_gate)
            {
                if (place.List is null) return;     // Admitted in the meantime.
                _waiting.Remove(place);
                Admit();
            }

            if (failure is OperationCanceledException) throw;
            throw new CallFaultException(
                FaultCode.Overloaded,
                    $"The results of all clients hold {Bytes} bytes of at most {bytesMax} (broker.store.read-bytes-max).");
        }
    }

    internal void Return(string client, long bytes)
    {
        lock (_gate)
        {
            _bytes -= bytes;
            long left = _clients[client] - bytes;
            if (left > 0) _clients[client] = left;
            else _clients.Remove(client);
            Admit();
        }
    }

    private void Admit()
    {
        while (_waiting.First is { } first && (_bytes == 0 || first.Value.Bytes <= bytesMax - _bytes))
        {
            _waiting.RemoveFirst();
            Take(first.Value.Reservation, first.Value.Bytes);
            first.Value.Admitted.SetResult();
        }
    }

    private void Take(ReadReservation reservation, long bytes)
    {
        _bytes += bytes;
        _clients[reservation.Client] = _clients.GetValueOrDefault(reservation.Client) + bytes;
        reservation.Bytes += bytes;
    }

    private void CheckShare(ReadReservation reservation, long bytes)
    {
        long held = _clients.GetValueOrDefault(reservation.Client);
        if (held == reservation.Bytes || bytes <= clientBytesMax - held) return;
        throw new CallFaultException(
            FaultCode.Overloaded,
                $"Results of {held - reservation.Bytes} bytes wait for this client already, of at most {clientBytesMax} "
                    + $"(broker.store.client-read-bytes-max).");
    }

    private sealed record Waiter(ReadReservation Reservation, long Bytes)
    {
        public TaskCompletionSource Admitted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>What one read holds of a <see cref="ReadBudget"/>, until it is disposed of.</summary>
internal sealed class ReadReservation(ReadBudget budget, string client) : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private long _used;
    private bool _isDisposed;

    /// <summary>Whose read it is.</summary>
    public string Client => client;

    /// <summary>Bytes that are held; the budget counts them.</summary>
    public long Bytes { get; set; }

    /// <summary>Takes room, before the bytes are copied. What was waited for is used up first.</summary>
    /// <exception cref="ReadRoomException">There is none: gather again, once there is.</exception>
    public void Take(long bytes)
    {
        _used += bytes;
        if (_used > Bytes && !budget.TryTake(this, _used - Bytes)) throw new ReadRoomException(_used);
    }

    /// <summary>Goes with it.</summary>
    public void Own(IDisposable owned) => _owned.Add(owned);

    /// <inheritdoc />
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        foreach (IDisposable owned in _owned) owned.Dispose();
        if (Bytes > 0) budget.Return(client, Bytes);
    }
}

/// <summary>A read found no room for what it gathers. Seen by no one outside.</summary>
internal sealed class ReadRoomException(long needed) : Exception
{
    /// <summary>Bytes that it needs, as far as it has come.</summary>
    public long Needed => needed;
}
