namespace Broker.Core.Upgrade;

/// <summary>A host and perhaps a port, as the Host field and an origin carry them. RFC 3986 section 3.2.</summary>
/// <remarks>
/// Narrower than the RFC on purpose: no user information, no percent-encoding and no sub-delimiters, so that there is
/// one way to write a host and a comparison of text is a comparison of hosts.
/// </remarks>
internal readonly ref struct Authority
{
    private const int PortMax = ushort.MaxValue;

    /// <summary>The host as written, an IPv6 literal with its brackets.</summary>
    public ReadOnlySpan<char> Host { get; private init; }

    /// <summary>The port, or <c>null</c> where none is written.</summary>
    public int? Port { get; private init; }

    /// <summary>Reads the whole text as one authority.</summary>
    /// <param name="text">What stands between <c>//</c> and the path, or in a Host field.</param>
    /// <param name="authority">The parts, or <c>default</c>.</param>
    public static bool TryRead(ReadOnlySpan<char> text, out Authority authority)
    {
        authority = default;
        int hostLength = HostLength(text);
        if (hostLength <= 0) return false;

        ReadOnlySpan<char> rest = text[hostLength..];
        int? port = null;
        if (!rest.IsEmpty)
        {
            if (rest[0] != ':' || !TryReadPort(rest[1..], out port)) return false;
        }

        authority = new Authority { Host = text[..hostLength], Port = port };
        return true;
    }

    private static int HostLength(ReadOnlySpan<char> text)
    {
        if (text.StartsWith("["))
        {
            int close = text.IndexOf(']');
            bool address = close > 1 && !text[1..close].ContainsAnyExcept(HttpText.AddressCharacters);
            return address ? close + 1 : -1;
        }

        int end = text.IndexOfAnyExcept(HttpText.HostCharacters);
        return end < 0 ? text.Length : end;
    }

    // "port = *DIGIT": a colon with nothing behind it is the scheme's own port, RFC 3986 section 3.2.3.
    private static bool TryReadPort(ReadOnlySpan<char> digits, out int? port)
    {
        port = null;
        if (digits.IsEmpty) return true;
        if (digits.Length > 5 || digits.ContainsAnyExcept(HttpText.DigitCharacters)) return false;

        int number = 0;
        foreach (char digit in digits) number = number * 10 + (digit - '0');
        port = number;
        return number <= PortMax;
    }
}
