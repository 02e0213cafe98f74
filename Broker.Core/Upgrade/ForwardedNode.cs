using System.Net;

namespace Broker.Core.Upgrade;

/// <summary>One hop as a forwarded header names it. RFC 7239 section 6.</summary>
internal static class ForwardedNode
{
    /// <summary>
    /// Reads an address and perhaps its port: <c>192.0.2.1</c>, <c>192.0.2.1:80</c>, <c>2001:db8::1</c>, <c>[2001:db8::1]:80</c>.
    /// </summary>
    /// <param name="text">The node without white space and quotes around it.</param>
    /// <param name="node">The address; its port is 0 where none is written.</param>
    /// <returns><c>false</c> for <c>unknown</c>, for a name that hides an address (<c>_hidden</c>), and for whatever else.</returns>
    public static bool TryRead(ReadOnlySpan<char> text, out IPEndPoint node)
    {
        node = new IPEndPoint(IPAddress.None, 0);
        bool isBracketed = text.StartsWith("[");
        int end = isBracketed ? text.IndexOf(']') : text.Count(':') == 1 ? text.IndexOf(':') : text.Length;
        if (end < 0) return false;

        ReadOnlySpan<char> host = isBracketed ? text[1..end] : text[..end];
        ReadOnlySpan<char> rest = isBracketed ? text[(end + 1)..] : text[end..];
        if (isBracketed && !host.Contains(':')) return false;
        if (!AddressText.TryRead(host, out IPAddress address)) return false;

        int port = 0;
        if (!rest.IsEmpty && (rest[0] != ':' || !AddressText.TryReadPort(rest[1..], out port))) return false;
        node = new IPEndPoint(address, port);
        return true;
    }
}
