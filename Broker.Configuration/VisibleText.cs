using System.Globalization;
using System.Text;

namespace Broker.Configuration;

/// <summary>
/// Text from outside as it may stand on a screen or in a line of a log: nothing in it ends the line or controls the terminal.
/// </summary>
public static class VisibleText
{
    /// <summary>
    /// Replaces control characters, line and paragraph separators, marks that turn the direction of writing, and halves of surrogate pairs
    /// by <c>\\uXXXX</c>. Text without them is returned as it is.
    /// </summary>
    public static string Of(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        int first = IndexOfHidden(text, 0);
        if (first < 0) return text;

        var visible = new StringBuilder(text.Length + 16);
        int done = 0;
        for (int at = first; at >= 0; at = IndexOfHidden(text, done))
        {
            visible.Append(text, done, at - done).Append(CultureInfo.InvariantCulture, $"\\u{(int)text[at]:x4}");
            done = at + 1;
        }

        return visible.Append(text, done, text.Length - done).ToString();
    }

    /// <summary>The same of at most so many characters of a text; one that is cut ends in an ellipsis.</summary>
    public static string Of(string text, int charsMax)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Length <= charsMax ? Of(text) : Of(text[..charsMax]) + "…";
    }

    private static int IndexOfHidden(string text, int start)
    {
        for (int at = start; at < text.Length; at++)
        {
            if (char.IsHighSurrogate(text[at]) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1])) at++;
            else if (IsHidden(text[at])) return at;
        }

        return -1;
    }

    // Control: C0, DEL and C1, whose U+009B begins a sequence as ESC [ does. Format: among them what turns the direction of writing.
    private static bool IsHidden(char letter) => letter >= '\x7f' || letter < ' '
        ? char.GetUnicodeCategory(letter) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Surrogate
        : false;
}
