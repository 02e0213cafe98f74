using System.Net;
using AddressFamily = System.Net.Sockets.AddressFamily;

namespace Broker.Core.Upgrade;

/// <summary>Reads IP addresses as they are written in headers and settings: in one way, and no other.</summary>
/// <remarks>
/// The framework also takes <c>1</c> for 0.0.0.1 and <c>010.0.0.1</c> for 8.0.0.1. Where an address decides who is
/// believed, what one program reads has to be what another wrote.
/// </remarks>
internal static class AddressText
{
    private const int IPv4LengthMax = 15;

    /// <summary>Reads four decimal numbers without leading zeros, or an IPv6 address without brackets and zone.</summary>
    /// <param name="text">The whole address.</param>
    /// <param name="address">The address; one of IPv4 that was written as IPv6 (<c>::ffff:10.0.0.1</c>) is one of IPv4.</param>
    public static bool TryRead(ReadOnlySpan<char> text, out IPAddress address)
    {
        address = IPAddress.None;
        if (text.ContainsAnyExcept(HttpText.AddressCharacters) || !IPAddress.TryParse(text, out IPAddress? read)) return false;

        Span<char> written = stackalloc char[IPv4LengthMax];
        bool isCanonical = read.AddressFamily == AddressFamily.InterNetworkV6
            || (read.TryFormat(written, out int length) && text.SequenceEqual(written[..length]));
        if (isCanonical) address = Plain(read);
        return isCanonical;
    }

    /// <summary>Reads a port: one to five digits without leading zeros.</summary>
    public static bool TryReadPort(ReadOnlySpan<char> text, out int port)
    {
        port = 0;
        if (text.Length is 0 or > 5 || text.ContainsAnyExcept(HttpText.DigitCharacters) || (text[0] == '0' && text.Length > 1))
            return false;
        foreach (char digit in text) port = port * 10 + (digit - '0');
        return port <= IPEndPoint.MaxPort;
    }

    /// <summary>The address, of IPv4 where it is one of IPv4 in the clothes of IPv6.</summary>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
