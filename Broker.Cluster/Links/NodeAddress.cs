using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Broker.Cluster.Links;

/// <summary>Addresses of nodes, written HOST:PORT; the host is a name, an IPv4 address, or an IPv6 address in brackets.</summary>
public static class NodeAddress
{
    /// <summary>Takes an address apart.</summary>
    /// <param name="text">HOST:PORT.</param>
    /// <param name="host">The host, without brackets.</param>
    /// <param name="port">The port, 0 to 65535.</param>
    public static bool TryParse(string text, out string host, out int port)
    {
        host = "";
        port = 0;
        int colon = text?.LastIndexOf(':') ?? -1;
        if (colon <= 0 || !int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
            || port > IPEndPoint.MaxPort) return false;
        host = text![..colon];
        bool isBracketed = host is ['[', .., ']'];
        if (isBracketed) host = host[1..^1];
        return isBracketed ? IPAddress.TryParse(host, out _) : host.Length > 0 && !host.Contains(':', StringComparison.Ordinal)
            && Uri.CheckHostName(host) != UriHostNameType.Unknown;
    }

    /// <summary>Writes an address.</summary>
    public static string Format(string host, int port)
    {
        ArgumentNullException.ThrowIfNull(host);
        return host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{port}" : $"{host}:{port}";
    }

    /// <summary>All addresses of a host with a port, sorted.</summary>
    /// <exception cref="SocketException">The name is not known.</exception>
    public static async Task<IReadOnlyList<IPEndPoint>> ResolveAsync(string address)
    {
        if (!TryParse(address, out string host, out int port))
            throw new SocketException((int)SocketError.HostNotFound, $"\"{address}\" is no HOST:PORT.");
        if (IPAddress.TryParse(host, out IPAddress? ip)) return [new IPEndPoint(ip, port)];
        try
        {
            IPAddress[] all = await Dns.GetHostAddressesAsync(host).ConfigureAwait(false);
            return [.. all.Order(
                Comparer<IPAddress>.Create(
                    static (one, other) => one.GetAddressBytes().AsSpan().SequenceCompareTo(other.GetAddressBytes())))
                        .Select(each => new IPEndPoint(each, port))];
        }
        catch (SocketException unknown)
        {
            throw new SocketException((int)unknown.SocketErrorCode, $"The name {host} cannot be resolved: {unknown.Message}.");
        }
    }
}
