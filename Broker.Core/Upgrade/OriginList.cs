using System.Globalization;

namespace Broker.Core.Upgrade;

/// <summary>Judges a configured list of origins, before it becomes an <see cref="OriginRule"/>: the one judgement of such a list.</summary>
/// <remarks>
/// An entry that no browser can ever send is refused: it would look like a permission and be none. What a browser sends is the ASCII
/// serialization of RFC 6454 section 6.2.
/// </remarks>
public static class OriginList
{
    /// <summary>Everyone.</summary>
    public const string Any = "*";

    /// <summary>Pages without an origin of their own, such as files and sandboxed frames.</summary>
    public const string Opaque = "null";

    /// <summary>Checks a whole list.</summary>
    /// <param name="entries">As configured.</param>
    /// <returns>What is wrong with the first bad entry, as a sentence without its full stop, or <c>null</c>.</returns>
    public static string? Check(IReadOnlyList<string> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        foreach (string entry in entries)
        {
            if (entry is Any && entries.Count > 1) return "* allows everyone and so has to be the only entry";
            if (entry is Any or Opaque) continue;
            if (CheckOne(entry) is { } problem) return problem;
        }

        return null;
    }

    /// <summary>The host of an entry without its port, or <c>null</c> for one that has none.</summary>
    public static string? HostOf(string entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        int schemeLength = entry.IndexOf("://", StringComparison.Ordinal);
        return schemeLength > 0 && Authority.TryRead(entry.AsSpan(schemeLength + 3), out Authority authority) ? authority.Host.ToString()
            : null;
    }

    private static string? CheckOne(string entry)
    {
        int schemeLength = entry.IndexOf("://", StringComparison.Ordinal);
        if (schemeLength <= 0) return $"'{entry}' has no scheme; an origin is scheme://host:port, such as https://chat.example.org";

        string scheme = entry[..schemeLength].ToLowerInvariant(), rest = entry[(schemeLength + 3)..];
        switch (scheme)
        {
            case "ws" or "wss":
                return $"'{entry}' names the scheme of the connection, but a browser sends that of the page: "
                    + $"http{(scheme == "wss" ? "s" : "")}://{rest}";
            case "file":
                return $"'{entry}' is the origin of no page: for files a browser sends null, which may be an entry";
        }

        if (rest.Contains('@'))
            return $"'{entry}' names a user, which an origin never does: {entry[..schemeLength]}://{rest[(rest.LastIndexOf('@') + 1)..]}";
        int behind = rest.IndexOfAny(['/', '?', '#']);
        if (behind >= 0) return $"'{entry}' has a path, which an origin never has: {entry[..schemeLength]}://{rest[..behind]}";
        if (rest.Any(letter => letter > '\x7f'))
            return $"'{entry}' has letters that a browser sends encoded{Encoded(entry[..schemeLength], rest)}";
        return OriginRule.IsOrigin(entry) ? null
            : $"'{entry}' is not scheme://host or scheme://host:port, such as https://chat.example.org:8443";
    }

    private static string Encoded(string scheme, string rest)
    {
        int colon = rest.LastIndexOf(':');
        string host = colon < 0 ? rest : rest[..colon];
        try
        {
            return $": {scheme}://{new IdnMapping().GetAscii(host)}{(colon < 0 ? "" : rest[colon..])}";
        }
        catch (ArgumentException)
        {
            return "";
        }
    }
}
