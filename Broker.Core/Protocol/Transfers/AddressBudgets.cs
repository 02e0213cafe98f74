using System.Net;
using Broker.Core.Upgrade;

namespace Broker.Core.Protocol.Transfers;

/// <summary>The share of the process's memory for transfers that the clients of one address have together. For all threads.</summary>
/// <remarks>
/// However many connections an address opens, the others keep the rest: a share is half of the whole, and at least what one connection may
/// hold.
/// </remarks>
/// <param name="process">What all share.</param>
/// <param name="addressBytesMax">The most bytes of one address.</param>
/// <param name="addresses">Which clients share.</param>
public sealed class AddressBudgets(ChunkBudget process, long addressBytesMax, ClientAddresses addresses)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, Share> _shares = [];

    /// <summary>The budget of the process.</summary>
    public ChunkBudget Process => process;

    /// <summary>Addresses with a share.</summary>
    internal int Count
    {
        get
        {
            lock (_gate) return _shares.Count;
        }
    }

    /// <summary>Begins the use of a share by one connection.</summary>
    /// <param name="remote">The client.</param>
    /// <returns>To be disposed of when the connection has ended.</returns>
    public BudgetLease Rent(EndPoint? remote)
    {
        if (addresses.ShareOf(remote) is not { } address) return new BudgetLease(process, end: null);
        lock (_gate)
        {
            if (!_shares.TryGetValue(address, out Share? share))
                _shares.Add(address, share = new Share(new ChunkBudget(addressBytesMax, process)));
            share.Connections++;
            return new BudgetLease(share.Budget, () => Return(address, share));
        }
    }

    // What an address that has gone still holds counts when it comes back; it is dropped once that has gone too.
    private void Return(IPAddress address, Share share)
    {
        lock (_gate)
        {
            share.Connections--;
            if (share.Connections > 0) return;
            if (share.Budget.Bytes == 0) _shares.Remove(address);
            else share.Budget.OnEmpty(() => RemoveEmpty(address, share));
        }
    }

    private void RemoveEmpty(IPAddress address, Share share)
    {
        lock (_gate)
        {
            if (share.Connections == 0 && share.Budget.Bytes == 0 && _shares.GetValueOrDefault(address) == share) _shares.Remove(address);
        }
    }

    private sealed class Share(ChunkBudget budget)
    {
        internal ChunkBudget Budget => budget;

        internal int Connections { get; set; }
    }
}

/// <summary>The use of a budget by one connection.</summary>
/// <param name="budget">The budget: of the client's address, or of the process.</param>
/// <param name="end">Ends the use.</param>
public sealed class BudgetLease(ChunkBudget budget, Action? end) : IDisposable
{
    private Action? _end = end;

    /// <summary>Where the connection's transfers count.</summary>
    public ChunkBudget Budget => budget;

    /// <inheritdoc />
    public void Dispose() => Interlocked.Exchange(ref _end, null)?.Invoke();
}
