namespace Broker.Configuration;

/// <summary>
/// Lets a comma follow an object, as HOCON has it: <c>history { size = 100 }, recovery = on</c>. Akka's parser takes it for a mistake.
/// </summary>
internal static class SettingCommas
{
    /// <summary>Puts a line feed in the place of each such comma, so that all other places stay what they are.</summary>
    /// <param name="text">HOCON. Strings, comments and lists in it are left alone.</param>
    internal static string Normalize(string text)
    {
        char[] normal = text.ToCharArray();
        int lists = 0;
        char last = ' ';                // The last that is no space.
        for (int at = 0; at < text.Length; at++)
        {
            char letter = text[at];
            if (letter == '#' || (letter == '/' && Follows(text, at, "//")))
            {
                at = Math.Max(at, EndOf(text, at, "\n") - 1);
                continue;
            }

            if (letter == '"') at = EndOfString(text, at) - 1;
            else if (letter == '[') lists++;
            else if (letter == ']') lists--;
            else if (letter == ',' && last == '}' && lists == 0) normal[at] = '\n';
            if (!char.IsWhiteSpace(letter)) last = letter;
        }

        return new string(normal);
    }

    private static int EndOfString(string text, int at)
    {
        if (Follows(text, at, "\"\"\"")) return EndOf(text, at + 3, "\"\"\"");
        for (at++; at < text.Length && text[at] is not ('"' or '\n'); at++)
        {
            if (text[at] == '\\') at++;
        }

        return Math.Min(at + 1, text.Length);
    }

    private static bool Follows(string text, int at, string what) => string.CompareOrdinal(text, at, what, 0, what.Length) == 0;

    // Behind the next one, or the end.
    private static int EndOf(string text, int at, string what)
    {
        int found = text.IndexOf(what, at, StringComparison.Ordinal);
        return found < 0 ? text.Length : found + what.Length;
    }
}
