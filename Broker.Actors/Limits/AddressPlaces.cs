using System.Net;
using Broker.Core.Upgrade;

namespace Broker.Actors.Limits;

/// <summary>How many connections one address has open, so that none takes the places of all others. From any thread.</summary>
/// <remarks>
/// Without a number set, an address may take what is free, but for the last eighth of all places once it has half of them: so that one
/// network or one proxy that is not known as such still has nearly everything. Loopback, known proxies and clients without an address are
/// not counted.
/// </remarks>
/// <param name="addressMax">The most connections of one address; 0 for that rule.</param>
/// <param name="placesMax">Places for connections in all; asked for at the first.</param>
/// <param name="proxies">Peers whose address stands for many clients.</param>
/// <param name="counters">Counts what is refused.</param>
internal sealed class AddressPlaces(int addressMax, Func<int> placesMax, ProxyTrust proxies, LimitCounters counters)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<UInt128, Places> _places = [];
    private readonly ClientAddresses _addresses = new(proxies);
    private readonly Lazy<int> _placesMax = new(placesMax);

    /// <summary>Addresses with a connection.</summary>
    internal int Count
    {
        get
        {
            lock (_gate) return _places.Count;
        }
    }

    /// <summary>Takes a place for one more connection.</summary>
    /// <param name="address">Whose.</param>
    /// <param name="open">Connections of all addresses that are open.</param>
    /// <param name="place">To be disposed of once when the connection has ended; null where it is not counted.</param>
    /// <returns>Why there is none, or null.</returns>
    internal UpgradeFault? TryTake(IPAddress address, int open, out IDisposable? place)
    {
        place = null;
        if (IPAddress.IsLoopback(address) || address.Equals(IPAddress.None) || _addresses.IsProxy(address)) return null;
        UInt128 key = AddressKey.Of(address);
        lock (_gate)
        {
            _places.TryGetValue(key, out Places? places);
            if (places is not null && Refuses(places.Count, open) is { } why)
            {
                counters.Add(LimitScope.Address, LimitKind.Connections);
                return new UpgradeFault(429, why) { RetryAfter = TimeSpan.FromSeconds(Random.Shared.Next(1, 6)) };
            }

            if (places is null) _places.Add(key, places = new Places(this, key));
            places.Count++;
            place = places;
            return null;
        }
    }

    private string? Refuses(int count, int open)
    {
        if (addressMax > 0)
            return count < addressMax ? null : $"One address has at most {addressMax} connections (broker.listen.address-connections-max).";
        int all = _placesMax.Value, last = Math.Max(1, all / 8);
        return count < all / 2 || open < all - last ? null
            : $"The last {last} places for connections are for other addresses (broker.listen.address-connections-max).";
    }

    private void Return(Places places)
    {
        lock (_gate)
        {
            if (--places.Count == 0) _places.Remove(places.Key);
        }
    }

    // Shared by the connections of an address; each gives one place back.
    private sealed class Places(AddressPlaces owner, UInt128 key) : IDisposable
    {
        internal UInt128 Key => key;

        internal int Count { get; set; }

        public void Dispose() => owner.Return(this);
    }
}
