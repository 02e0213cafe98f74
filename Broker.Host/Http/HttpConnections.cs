using System.Net;
using System.Net.Sockets;
using Broker.Core.Upgrade;
using Broker.Host.Settings;
using Microsoft.AspNetCore.Connections;

namespace Broker.Host.Http;

/// <summary>
/// The HTTP connections of all ways in: how many there may be, which one goes where there is no room, and who is answered then.
/// </summary>
/// <remarks>
/// A connection without a request is idle. Where one more does not fit, the idlest goes; where an address is at its share, that address's
/// idlest. Where none is idle, the new one is taken none the less, and only <see cref="IsAnsweredWhenFull"/> is answered on it: a probe of
/// health has to get through whatever else is full. Connections that carry WebSockets are not counted: the hub counts them. For all
/// threads.
/// </remarks>
/// <param name="connectionsMax">Connections that are served.</param>
/// <param name="proxies">Peers without a share of their own, because the clients of many come through them.</param>
internal sealed class HttpConnections(int connectionsMax, ProxyTrust proxies)
{
    // Beyond connectionsMax; over that even a connection with a request goes, the one whose request is the oldest.
    private const int SparesMax = 64;
    private const int NetworkBytesOfIPv6 = 8;

    private readonly Lock _gate = new();
    private readonly LinkedList<HttpConnection> _idle = new();          // The idlest first.
    private readonly LinkedList<HttpConnection> _busy = new();          // The oldest request first.
    private readonly Dictionary<IPAddress, AddressShare> _shares = [];
    private int _count;

    /// <summary>Connections of one address that are served.</summary>
    internal int ShareMax { get; } = Math.Max(1, connectionsMax / 2);

    /// <summary>Connections that are counted now.</summary>
    internal int Count
    {
        get
        {
            lock (_gate) return _count;
        }
    }

    /// <summary>Serves a connection of Kestrel's, from its first byte on.</summary>
    /// <param name="context">The connection.</param>
    /// <param name="next">What serves it.</param>
    internal async Task RunAsync(ConnectionContext context, ConnectionDelegate next)
    {
        using var connection = new HttpConnection(this, context, KeyOf(context.RemoteEndPoint));
        Enter(connection)?.Shed();
        try
        {
            await next(context).ConfigureAwait(false);
        }
        finally
        {
            Leave(connection);
        }
    }

    /// <summary>Whether a request is answered on a connection beyond what is served.</summary>
    internal static bool IsAnsweredWhenFull(PathString path) => path.Value is HttpPaths.Health or HttpPaths.Ready or HttpPaths.Metrics;

    /// <summary>Takes a connection in.</summary>
    /// <returns>The one that has to go for it, or null.</returns>
    internal HttpConnection? Enter(HttpConnection connection)
    {
        lock (_gate)
        {
            Add(connection);
            return TakeSurplus(connection);
        }
    }

    /// <summary>A connection has ended.</summary>
    internal void Leave(HttpConnection connection)
    {
        lock (_gate) Remove(connection);
    }

    /// <summary>A request begins.</summary>
    /// <returns>Whether there is room to serve any; if not, see <see cref="IsAnsweredWhenFull"/>.</returns>
    internal bool Begin(HttpConnection connection)
    {
        lock (_gate)
        {
            connection.Requests++;
            Insert(connection);
            return !connection.IsCounted || (_count <= connectionsMax && !IsOverShare(connection));
        }
    }

    /// <summary>A request is answered.</summary>
    internal void End(HttpConnection connection)
    {
        lock (_gate)
        {
            connection.Requests--;
            Insert(connection);
        }
    }

    /// <summary>A request that is the hub's begins: while it lasts the connection is the hub's.</summary>
    internal void BeginWebSocket(HttpConnection connection)
    {
        lock (_gate)
        {
            if (connection.WebSockets++ == 0) Remove(connection);
        }
    }

    /// <summary>Such a request has ended.</summary>
    internal void EndWebSocket(HttpConnection connection)
    {
        HttpConnection? surplus = null;
        lock (_gate)
        {
            if (--connection.WebSockets == 0)
            {
                Add(connection);
                surplus = TakeSurplus(connection);
            }
        }

        surplus?.Shed();
    }

    private void Add(HttpConnection connection)
    {
        if (connection.IsCounted) return;
        connection.IsCounted = true;
        _count++;
        if (!_shares.TryGetValue(connection.Address, out AddressShare? share)) _shares.Add(connection.Address, share = new AddressShare());
        connection.Share = share;
        share.Count++;
        Insert(connection);
    }

    private void Remove(HttpConnection connection)
    {
        if (!connection.IsCounted) return;
        connection.IsCounted = false;
        _count--;
        connection.Unlink();
        if (--connection.Share!.Count == 0) _shares.Remove(connection.Address);
        connection.Share = null;
    }

    // To the end of the list that it belongs to now.
    private void Insert(HttpConnection connection)
    {
        if (!connection.IsCounted) return;
        connection.Unlink();
        if (connection.Requests > 0)
        {
            _busy.AddLast(connection.Node);
        }
        else
        {
            _idle.AddLast(connection.Node);
            connection.Share!.Idle.AddLast(connection.NodeInShare);
        }
    }

    private bool IsOverShare(HttpConnection connection) => connection.Share!.Count > ShareMax && !IsProxy(connection.Address);

    private bool IsProxy(IPAddress address) => proxies.Forwarded.Contains(address) || proxies.ProxyProtocol.Contains(address);

    private HttpConnection? TakeSurplus(HttpConnection newest)
    {
        HttpConnection? victim = IsOverShare(newest) ? Other(newest.Share!.Idle, newest) : null;
        if (victim is null && _count > connectionsMax) victim = Other(_idle, newest);
        if (victim is null && _count > connectionsMax + SparesMax) victim = Other(_busy, newest);
        if (victim is not null) Remove(victim);
        return victim;
    }

    private static HttpConnection? Other(LinkedList<HttpConnection> list, HttpConnection newest) =>
        list.First?.Value != newest ? list.First?.Value : list.First?.Next?.Value;

    // The one that has one address of IPv6 has 2^64 of them. A Unix socket has none.
    internal static IPAddress KeyOf(EndPoint? remote)
    {
        if (remote is not IPEndPoint { Address: var address }) return IPAddress.None;
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || IPAddress.IsLoopback(address)) return address;
        byte[] network = address.GetAddressBytes();
        network.AsSpan(NetworkBytesOfIPv6).Clear();
        return new IPAddress(network);
    }

    /// <summary>What one address has.</summary>
    internal sealed class AddressShare
    {
        /// <summary>Its connections.</summary>
        internal int Count { get; set; }

        /// <summary>Those without a request, the idlest first.</summary>
        internal LinkedList<HttpConnection> Idle { get; } = new();
    }
}
