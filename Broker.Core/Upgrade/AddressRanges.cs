using System.Globalization;
using System.Net;
using AddressFamily = System.Net.Sockets.AddressFamily;

namespace Broker.Core.Upgrade;

/// <summary>A list of address ranges, to ask whether an address is in one of them.</summary>
/// <param name="ranges">The ranges, of IPv4 and IPv6 in any mixture.</param>
public sealed class AddressRanges(IReadOnlyList<IPNetwork> ranges)
{
    private const int MappedPrefixBits = 96;

    private readonly IPNetwork[] _ranges = [.. ranges];

    /// <summary>Whether no address is in it.</summary>
    public bool IsEmpty => _ranges.Length == 0;

    /// <summary>Whether the address is in one of the ranges. <c>::ffff:10.0.0.1</c> is 10.0.0.1, whichever way a socket tells it.</summary>
    public bool Contains(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        IPAddress plain = AddressText.Plain(address);
        foreach (IPNetwork range in _ranges)
        {
            if (range.Contains(plain)) return true;
        }

        return false;
    }

    /// <summary>Reads <c>10.0.0.0/8</c>, <c>2001:db8::/32</c>, or one address alone.</summary>
    /// <param name="text">The whole range.</param>
    /// <param name="range">The range; one of IPv4 that was written as IPv6 is one of IPv4.</param>
    /// <returns>
    /// <c>false</c> also where bits are set behind the prefix: <c>10.0.0.7/8</c> is meant either as 10.0.0.0/8 or as
    /// 10.0.0.7, and which of them is believed matters.
    /// </returns>
    public static bool TryRead(ReadOnlySpan<char> text, out IPNetwork range)
    {
        range = default;
        int slash = text.IndexOf('/');
        ReadOnlySpan<char> addressText = slash < 0 ? text : text[..slash];
        if (!AddressText.TryRead(addressText, out IPAddress address)) return false;

        int bits = address.AddressFamily == AddressFamily.InterNetworkV6 ? 128 : 32;
        int prefix = bits;
        if (slash >= 0)
        {
            if (!int.TryParse(text[(slash + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out prefix)) return false;
            if (bits == 32 && addressText.Contains(':')) prefix -= MappedPrefixBits;
            if (prefix < 0 || prefix > bits) return false;
        }

        range = new IPNetwork(address, prefix);
        return range.BaseAddress.Equals(address);
    }
}
