namespace Broker.Core.Upgrade;

/// <summary>Reads the hops out of a <c>Forwarded</c> header. RFC 7239 section 4.</summary>
internal static class ForwardedElements
{
    /// <summary>Reads the <c>for</c> of every element.</summary>
    /// <param name="text">The whole value, of all its lines.</param>
    /// <param name="nodes">One for each element, in order, without quotes; empty for an element without <c>for</c>.</param>
    /// <returns>
    /// <c>false</c> if the value breaks the grammar anywhere. Then none of it is believed: what a client opens with a
    /// quotation mark could otherwise swallow what a proxy added behind it.
    /// </returns>
    public static bool TryRead(ReadOnlySpan<char> text, out List<string> nodes)
    {
        nodes = [];
        string node = "";
        bool isFound = false;
        while (true)
        {
            text = text.TrimStart(" \t");
            if (!TryTakePair(ref text, out ReadOnlySpan<char> name, out string value)) return false;

            if (System.Text.Ascii.EqualsIgnoreCase(name, "for"))
            {
                // "Each parameter MUST NOT occur more than once per field-value", section 4: of one element.
                if (isFound) return false;
                (node, isFound) = (value, true);
            }

            text = text.TrimStart(" \t");
            if (text.StartsWith(";"))
            {
                text = text[1..];
                continue;
            }

            nodes.Add(node);
            (node, isFound) = ("", false);
            if (text.IsEmpty) return true;
            if (text[0] != ',') return false;
            text = text[1..];
        }
    }

    // "forwarded-pair = token "=" value", "value = token / quoted-string"; a pair may be left out between two semicolons.
    private static bool TryTakePair(ref ReadOnlySpan<char> text, out ReadOnlySpan<char> name, out string value)
    {
        value = "";
        name = default;
        if (text.IsEmpty || text[0] is ';' or ',') return true;

        int equals = text.IndexOf('=');
        if (equals <= 0 || !HttpText.IsToken(text[..equals])) return false;
        name = text[..equals];
        text = text[(equals + 1)..];
        return text.StartsWith("\"") ? TryTakeQuoted(ref text, out value) : TryTakeToken(ref text, out value);
    }

    // Wider than a token by what proxies leave unquoted: the colons and brackets of addresses.
    private static bool TryTakeToken(ref ReadOnlySpan<char> text, out string value)
    {
        int end = text.IndexOfAny("; \t,\"");
        if (end < 0) end = text.Length;
        value = text[..end].ToString();
        text = text[end..];
        return value.Length > 0;
    }

    private static bool TryTakeQuoted(ref ReadOnlySpan<char> text, out string value)
    {
        var unquoted = new System.Text.StringBuilder();
        for (int i = 1; i < text.Length; i++)
        {
            if (text[i] == '"')
            {
                value = unquoted.ToString();
                text = text[(i + 1)..];
                return true;
            }

            if (text[i] == '\\' && ++i == text.Length) break;
            unquoted.Append(text[i]);
        }

        value = "";
        return false;
    }
}
