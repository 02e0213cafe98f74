namespace Broker.Core.Upgrade;

/// <summary>Which pages a browser may connect from. RFC 6455 section 10.2, RFC 6454.</summary>
/// <remarks>
/// Compares scheme, host and port, each as a whole: never a prefix, a suffix or a pattern. Scheme and host are compared
/// in any case, and a port left out is the scheme's own.
/// </remarks>
public sealed class OriginRule
{
    private readonly bool _allowsAny;
    private readonly bool _allowsOpaque;
    private readonly string[] _allowed;

    /// <summary>Takes the list of allowed origins.</summary>
    /// <param name="allowed">
    /// Each as a browser writes it, such as <c>https://chat.example</c> or <c>null</c>. Empty allows the host that the
    /// request itself names. <c>*</c>, alone, allows everyone.
    /// </param>
    /// <exception cref="ArgumentException">As <see cref="OriginList.Check"/> says.</exception>
    public OriginRule(IReadOnlyList<string> allowed)
    {
        if (OriginList.Check(allowed) is { } problem) throw new ArgumentException(problem + ".", nameof(allowed));
        _allowsAny = allowed.Contains(OriginList.Any);
        _allowsOpaque = allowed.Contains(OriginList.Opaque);
        _allowed = [.. allowed];
    }

    /// <summary>Whether a text is an origin with a scheme and a host, as a browser writes one.</summary>
    internal static bool IsOrigin(string text) => Origin.TryRead(text, out _);

    /// <summary>Whether a request with this origin may be upgraded.</summary>
    /// <param name="origin">The value of Origin, or <c>null</c>: a client that is no browser sends none.</param>
    /// <param name="host">The host that the request names. Its scheme is not known behind a proxy, so the origin's counts.</param>
    public bool Allows(string? origin, string host)
    {
        if (origin is null || _allowsAny) return true;
        if (origin is OriginList.Opaque) return _allowsOpaque;
        if (!Origin.TryRead(origin, out Origin asked)) return false;
        if (_allowed.Length == 0) return asked.IsAt(host);

        foreach (string entry in _allowed)
        {
            if (Origin.TryRead(entry, out Origin known) && known.Equals(asked)) return true;
        }

        return false;
    }

    private readonly ref struct Origin
    {
        private ReadOnlySpan<char> Scheme { get; init; }

        private ReadOnlySpan<char> Host { get; init; }

        private int? Port { get; init; }

        // "serialized-origin = scheme "://" host [ ":" port ]", RFC 6454 section 7.1: nothing before, nothing behind.
        public static bool TryRead(ReadOnlySpan<char> text, out Origin origin)
        {
            origin = default;
            int schemeLength = text.IndexOf("://");
            if (schemeLength <= 0) return false;

            ReadOnlySpan<char> scheme = text[..schemeLength];
            if (!char.IsAsciiLetter(scheme[0]) || scheme.ContainsAnyExcept(HttpText.SchemeCharacters)) return false;
            if (!Authority.TryRead(text[(schemeLength + 3)..], out Authority authority)) return false;

            origin = new Origin { Scheme = scheme, Host = authority.Host, Port = authority.Port ?? PortOf(scheme) };
            return true;
        }

        public bool Equals(Origin other) =>
            SameText(Scheme, other.Scheme) && SameText(Host, other.Host) && Port == other.Port;

        // Only http and https pages come from a host's own port; "file://host" comes from nowhere.
        public bool IsAt(string host) =>
            PortOf(Scheme) is { } schemePort && Authority.TryRead(host, out Authority here)
            && SameText(Host, here.Host) && Port == (here.Port ?? schemePort);

        private static bool SameText(ReadOnlySpan<char> one, ReadOnlySpan<char> other) =>
            System.Text.Ascii.EqualsIgnoreCase(one, other);

        private static int? PortOf(ReadOnlySpan<char> scheme) =>
            SameText(scheme, "https") ? 443 : SameText(scheme, "http") ? 80 : null;
    }
}
