using System.Net;

namespace Broker.Core.Upgrade;

/// <summary>Which clients share one part of what all clients share: those of one address, or of one network of IPv6.</summary>
/// <param name="proxies">Peers whose address stands for many clients, so that it has no share of its own.</param>
public sealed class ClientAddresses(ProxyTrust proxies)
{
    private const int BytesOfIPv6 = 16, NetworkBytesOfIPv6 = 8;

    /// <summary>Without proxies.</summary>
    public static ClientAddresses Direct { get; } = new(ProxyTrust.None);

    /// <summary>The address that a client counts for; 255.255.255.255 for one that has none, as on a Unix socket.</summary>
    /// <param name="remote">The client.</param>
    public static IPAddress KeyOf(EndPoint? remote)
    {
        // The one that has one address of IPv6 has 2^64 of them.
        if (remote is not IPEndPoint { Address: var address }) return IPAddress.None;
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        byte[] network = address.GetAddressBytes();
        if (network.Length != BytesOfIPv6 || IPAddress.IsLoopback(address)) return address;
        network.AsSpan(NetworkBytesOfIPv6).Clear();
        return new IPAddress(network);
    }

    /// <summary>Whether an address is a proxy's.</summary>
    public bool IsProxy(IPAddress address) => proxies.Forwarded.Contains(address) || proxies.ProxyProtocol.Contains(address);

    /// <summary>The address whose share a client has, or null where it has none.</summary>
    public IPAddress? ShareOf(EndPoint? remote) => KeyOf(remote) is var key && !key.Equals(IPAddress.None) && !IsProxy(key) ? key : null;
}
