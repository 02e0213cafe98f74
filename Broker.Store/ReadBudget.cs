using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Calls;

namespace Broker.Store;

/// <summary>
/// Bytes that the results of running reads hold, from before they are gathered until they have left: of each client, of each address, and
/// of all.
/// </summary>
/// <remarks>
/// A client whose results wait already is refused what is beyond its share: it asks for more than it takes. One that waits for
/// each answer is not, as one result alone is always within its share. The clients of one address have half of all together: beyond it
/// their reads wait for each other, and for no other component. Where all clients together hold as much as they may, a read waits its turn,
/// for a bounded time; the turn goes from address to address. For all threads.
/// </remarks>
/// <param name="bytesMax">Of all clients.</param>
/// <param name="clientBytesMax">Of one client; the longest result or more.</param>
/// <param name="waitLimit">How long a read waits for room.</param>
/// <param name="time">The clock of that.</param>
public sealed class ReadBudget(long bytesMax, long clientBytesMax, TimeSpan waitLimit, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _clients = new(StringComparer.Ordinal);
    private readonly Dictionary<object, Share> _shares = [];
    private readonly LinkedList<Share> _turns = new();          // Shares with reads that wait.
    private readonly long _shareBytesMax = Math.Max(bytesMax / 2, clientBytesMax);
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
            lock (_gate) return _turns.Sum(static share => share.Waiting.Count);
        }
    }

    /// <summary>Begins the account of one read, which holds nothing yet.</summary>
    /// <param name="client">Whose it is.</param>
    /// <param name="address">Whose share it counts in; null for one of the client's own.</param>
    internal ReadReservation Begin(string client, object? address) => new(this, client, address ?? client);

    /// <summary>Takes more for a read, if there is room.</summary>
    /// <returns>False where the others hold too much: then it releases everything, and waits.</returns>
    /// <exception cref="CallFaultException">The client's own results hold too much.</exception>
    internal bool TryTake(ReadReservation reservation, long bytes)
    {
        lock (_gate)
        {
            CheckShare(reservation, bytes);
            Share? share = _shares.GetValueOrDefault(reservation.Address);
            if (share is not null && (share.Waiting.Count > 0 || !FitsShare(share, bytes))) return false;
            if (!Fits(bytes) || _turns.Any(each => FitsShare(each, each.Waiting.First!.Value.Bytes))) return false;
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
        Share share;
        lock (_gate)
        {
            CheckShare(reservation, bytes);
            share = ShareOf(reservation.Address);
            place = share.Waiting.AddLast(waiter);
            if (share.Turn.List is null) _turns.AddLast(share.Turn);
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
                share.Waiting.Remove(place);
                if (share.Waiting.Count == 0) _turns.Remove(share.Turn);
                Evict(reservation.Address, share);
                Admit();
            }

            if (failure is OperationCanceledException) throw;
            throw new CallFaultException(
                FaultCode.Overloaded,
                    $"The results of all clients hold {Bytes} bytes of at most {bytesMax} (broker.store.read-bytes-max), of which one "
                        + $"address has half.");
        }
    }

    internal void Return(ReadReservation reservation, long bytes)
    {
        lock (_gate)
        {
            _bytes -= bytes;
            long left = _clients[reservation.Client] - bytes;
            if (left > 0) _clients[reservation.Client] = left;
            else _clients.Remove(reservation.Client);
            Share share = _shares[reservation.Address];
            share.Bytes -= bytes;
            Evict(reservation.Address, share);
            Admit();
        }
    }

    private bool Fits(long bytes) => _bytes == 0 || bytes <= bytesMax - _bytes;

    private bool FitsShare(Share share, long bytes) => share.Bytes == 0 || bytes <= _shareBytesMax - share.Bytes;

    // The first of each address in turn. Who waits for the others of its address is passed over; who waits for all is not.
    private void Admit()
    {
        LinkedListNode<Share>? node = _turns.First;
        while (node is not null)
        {
            Share share = node.Value;
            Waiter first = share.Waiting.First!.Value;
            if (!FitsShare(share, first.Bytes))
            {
                node = node.Next;
                continue;
            }

            if (!Fits(first.Bytes)) return;
            share.Waiting.RemoveFirst();
            _turns.Remove(node);
            if (share.Waiting.Count > 0) _turns.AddLast(node);
            Take(first.Reservation, first.Bytes);
            first.Admitted.SetResult();
            node = _turns.First;
        }
    }

    private void Take(ReadReservation reservation, long bytes)
    {
        _bytes += bytes;
        _clients[reservation.Client] = _clients.GetValueOrDefault(reservation.Client) + bytes;
        ShareOf(reservation.Address).Bytes += bytes;
        reservation.Bytes += bytes;
    }

    private Share ShareOf(object address)
    {
        if (!_shares.TryGetValue(address, out Share? share)) _shares.Add(address, share = new Share());
        return share;
    }

    private void Evict(object address, Share share)
    {
        if (share.Bytes == 0 && share.Waiting.Count == 0) _shares.Remove(address);
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

    /// <summary>What the clients of one address hold together.</summary>
    private sealed class Share
    {
        internal Share() => Turn = new LinkedListNode<Share>(this);

        internal long Bytes { get; set; }

        internal LinkedList<Waiter> Waiting { get; } = new();

        internal LinkedListNode<Share> Turn { get; }
    }
}

/// <summary>What one read holds of a <see cref="ReadBudget"/>, until it is disposed of.</summary>
internal sealed class ReadReservation(ReadBudget budget, string client, object address) : IDisposable
{
    private readonly List<IDisposable> _owned = [];
    private long _used;
    private bool _isDisposed;

    /// <summary>Whose read it is.</summary>
    public string Client => client;

    /// <summary>Whose share it counts in.</summary>
    public object Address => address;

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
        if (Bytes > 0) budget.Return(this, Bytes);
    }
}

/// <summary>A read found no room for what it gathers. Seen by no one outside.</summary>
internal sealed class ReadRoomException(long needed) : Exception
{
    /// <summary>Bytes that it needs, as far as it has come.</summary>
    public long Needed => needed;
}
