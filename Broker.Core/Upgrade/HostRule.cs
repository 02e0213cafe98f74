namespace Broker.Core.Upgrade;

/// <summary>
/// Which names of this server a request may use. On loopback a page of any web site reaches the server when the site's name is made to
/// resolve to 127.0.0.1, and its Origin then matches its Host: only the name gives it away.
/// </summary>
/// <remarks>Pure and immutable; asked on every thread.</remarks>
public sealed class HostRule
{
    private static readonly string[] s_local = ["localhost"];

    private readonly string[] _names;

    private HostRule(bool allowsAny, IReadOnlyList<string> names)
    {
        AllowsAny = allowsAny;
        _names = [.. s_local, .. names.Select(name => name.TrimEnd('.'))];
    }

    /// <summary>Every name is taken.</summary>
    public static HostRule Any { get; } = new(allowsAny: true, []);

    /// <summary>Whether every name is taken.</summary>
    public bool AllowsAny { get; }

    /// <summary>Takes the addresses that are listened on and the configured names.</summary>
    /// <param name="isLoopbackOnly">
    /// Whether the server is reached from this machine only. Elsewhere others decide which names lead to it.
    /// </param>
    /// <param name="names">Further names. If there are any, they hold wherever the server listens. <c>*</c> allows every name.</param>
    public static HostRule For(bool isLoopbackOnly, IReadOnlyList<string> names)
    {
        ArgumentNullException.ThrowIfNull(names);
        if (names.Contains("*")) return Any;
        return isLoopbackOnly || names.Count > 0 ? new HostRule(allowsAny: false, names) : Any;
    }

    /// <summary>Whether a configured name is one that a Host field may carry: a name or an address without a port, or <c>*</c>.</summary>
    public static bool IsName(string name) =>
        name is "*" || (Authority.TryRead(name, out Authority read) && read.Port is null && !name.EndsWith(':'));

    /// <summary>Judges the host of a request.</summary>
    /// <param name="host">The host that the request names, with or without a port; empty where it names none (HTTP/1.0).</param>
    /// <returns>421, or <c>null</c> where the host is one of this server's.</returns>
    public UpgradeFault? Check(ReadOnlySpan<char> host) => Allows(host)
        ? null
        : new UpgradeFault(
        421, "This server does not answer for that Host: use its address, localhost, or a name listed in broker.listen.hosts (RFC 9110 "
            + "section 15.5.20).");

    /// <summary>Whether a request for this host may be answered.</summary>
    /// <param name="host">As in <see cref="Check"/>.</param>
    public bool Allows(ReadOnlySpan<char> host)
    {
        // Without a Host no browser has asked.
        if (AllowsAny || host.IsEmpty) return true;
        if (!Authority.TryRead(host, out Authority authority)) return false;

        // "localhost." is the same name, written from the root.
        ReadOnlySpan<char> name = authority.Host.TrimEnd('.');
        if (name.StartsWith("[") || AddressText.TryRead(name, out _)) return true;
        foreach (string known in _names)
        {
            if (System.Text.Ascii.EqualsIgnoreCase(name, known)) return true;
        }

        // RFC 6761 section 6.3: names under localhost are loopback too, and browsers never ask a resolver for them.
        return name.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase);
    }
}
