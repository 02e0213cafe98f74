using System.Globalization;
using System.Text;

namespace Broker.Cli.Terminal;

/// <summary>Any bytes in one line of text, so that a line is an entry and a tab parts its fields.</summary>
internal static class PrintedBytes
{
    /// <summary>
    /// UTF-8 as it is; a backslash, a control character and what is not UTF-8 as <c>\\</c>, <c>\t</c>, <c>\n</c>, <c>\r</c> or <c>\xff</c>.
    /// </summary>
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            System.Buffers.OperationStatus status = Rune.DecodeFromUtf8(bytes, out Rune rune, out int length);
            if (status != System.Buffers.OperationStatus.Done || (Rune.IsControl(rune) && rune.Value is not ('\t' or '\n' or '\r')))
            {
                foreach (byte octet in bytes[..length]) text.Append(CultureInfo.InvariantCulture, $"\\x{octet:x2}");
            }
            else
            {
                text.Append(rune.Value switch { '\\' => @"\\", '\t' => @"\t", '\n' => @"\n", '\r' => @"\r", _ => rune.ToString() });
            }

            bytes = bytes[length..];
        }

        return text.ToString();
    }

    /// <summary>Text in one line whose control characters, line ends among them, are written as <c>\n</c> or <c>\x1b</c>.</summary>
    public static string WithoutControls(string line)
    {
        if (!line.Any(char.IsControl)) return line;
        var text = new StringBuilder(line.Length);
        foreach (char character in line)
        {
            if (!char.IsControl(character)) text.Append(character);
            else
                text.Append(character switch { '\t' => @"\t", '\n' => @"\n", '\r' => @"\r",
                    _ => string.Create(CultureInfo.InvariantCulture, $"\\x{(int)character:x2}") });
        }

        return text.ToString();
    }
}
