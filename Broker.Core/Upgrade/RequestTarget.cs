using System.Text;

namespace Broker.Core.Upgrade;

/// <summary>Takes a request target apart: origin-form or absolute-form. RFC 9112 section 3.2.</summary>
internal readonly ref struct RequestTarget
{
    /// <summary>The authority of an absolute-form target, empty in origin-form.</summary>
    public ReadOnlySpan<byte> Authority { get; private init; }

    /// <summary>The path as written, at least <c>/</c>.</summary>
    public ReadOnlySpan<byte> Path { get; private init; }

    /// <summary>What follows the question mark, as written.</summary>
    public ReadOnlySpan<byte> Query { get; private init; }

    /// <summary>Reads the whole text as one target.</summary>
    /// <param name="text">What stands between the method and the version.</param>
    /// <param name="target">The parts, or <c>default</c>.</param>
    public static bool TryRead(ReadOnlySpan<byte> text, out RequestTarget target)
    {
        target = default;
        ReadOnlySpan<byte> authority = default;
        if (!text.StartsWith("/"u8))
        {
            int schemeLength = SchemeLength(text);
            if (schemeLength == 0) return false;

            ReadOnlySpan<byte> afterScheme = text[schemeLength..];
            int end = afterScheme.IndexOfAny("/?"u8);
            authority = end < 0 ? afterScheme : afterScheme[..end];
            text = end < 0 ? default : afterScheme[end..];
            if (authority.IsEmpty) return false;
        }

        int mark = text.IndexOf((byte)'?');
        ReadOnlySpan<byte> path = mark < 0 ? text : text[..mark];
        ReadOnlySpan<byte> query = mark < 0 ? default : text[(mark + 1)..];
        if (path.ContainsAnyExcept(HttpText.PathBytes) || query.ContainsAnyExcept(HttpText.QueryBytes)) return false;
        if (!HoldsWholeTriplets(path) || !HoldsWholeTriplets(query)) return false;

        target = new RequestTarget { Authority = authority, Path = path.IsEmpty ? "/"u8 : path, Query = query };
        return true;
    }

    // "or be an absolute http/https URI", RFC 6455 section 4.1.
    private static int SchemeLength(ReadOnlySpan<byte> text)
    {
        if (text.Length >= 7 && Ascii.EqualsIgnoreCase(text[..7], "http://"u8)) return 7;
        return text.Length >= 8 && Ascii.EqualsIgnoreCase(text[..8], "https://"u8) ? 8 : 0;
    }

    // "pct-encoded = "%" HEXDIG HEXDIG", RFC 3986 section 2.1. They are checked and left as they are.
    private static bool HoldsWholeTriplets(ReadOnlySpan<byte> text)
    {
        for (int percent = text.IndexOf((byte)'%'); percent >= 0; percent = text.IndexOf((byte)'%'))
        {
            if (text.Length < percent + 3) return false;
            if (!char.IsAsciiHexDigit((char)text[percent + 1]) || !char.IsAsciiHexDigit((char)text[percent + 2])) return false;
            text = text[(percent + 3)..];
        }

        return true;
    }
}
