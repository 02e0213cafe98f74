using System.Globalization;
using System.Text;

namespace Broker.Configuration;

/// <summary>Finds the line of every key in a HOCON text, and what is malformed in it.</summary>
/// <remarks>
/// Akka's parser keeps no lines, and it takes a file with an open brace, a stray one or a key without a value as if
/// it were whole. So this scan runs before it: it tracks keys through braces and dots, and gives values no meaning.
/// </remarks>
public sealed class SettingLines
{
    /// <summary>Braces and dots that a key may stand under: far more than any setting needs, and far fewer than a stack holds.</summary>
    public const int DepthMax = 32;

    /// <summary>The longest key.</summary>
    public const int KeyLengthMax = 512;

    private readonly Dictionary<string, int> _lines = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _written = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _emptyGroups = new(StringComparer.Ordinal);
    private readonly string _source;
    private readonly string _text;
    private int _at;
    private int _line = 1;

    private SettingLines(string source, string text)
    {
        _source = source;
        _text = text;
    }

    /// <summary>Scans a whole text.</summary>
    /// <param name="source">The name of the text, for messages.</param>
    /// <param name="text">HOCON without substitutions and includes.</param>
    /// <returns>For every key that has a value, and not an object, the line of its last occurrence, from 1.</returns>
    /// <exception cref="SettingException">The text is malformed; the message names the line.</exception>
    public static IReadOnlyDictionary<string, int> Scan(string source, string text) => Scan(source, text, out _, out _);

    /// <summary>Scans a whole text.</summary>
    /// <param name="source">The name of the text, for messages.</param>
    /// <param name="text">HOCON without substitutions and includes.</param>
    /// <param name="written">For every key whose value is plain, one word or one string without escapes: the value as it is meant.</param>
    /// <param name="emptyGroups">For every object without a member, the line of its last occurrence.</param>
    /// <returns>As <see cref="Scan(string, string)"/>.</returns>
    /// <exception cref="SettingException">The text is malformed; the message names the line.</exception>
    internal static IReadOnlyDictionary<string, int> Scan(
        string source, string text, out IReadOnlyDictionary<string, string> written, out IReadOnlyDictionary<string, int> emptyGroups)
    {
        var scan = new SettingLines(source, text);
        scan.SkipBlank();
        bool wrapped = scan.Peek() == '{';
        if (wrapped) scan._at++;
        scan.ReadBody(prefix: "", closing: wrapped, opened: 1, depth: 0);
        scan.SkipBlank();
        if (scan._at < text.Length) throw scan.Malformed("nothing may follow the closing '}' of the whole file");
        written = scan._written;
        emptyGroups = scan._emptyGroups;
        return scan._lines;
    }

    private void ReadObject(string path, int opened, int depth)
    {
        _at++;
        if (!ReadBody(path + ".", closing: true, opened, depth)) _emptyGroups[path] = opened;
    }

    // Returns whether there was a member.
    private bool ReadBody(string prefix, bool closing, int opened, int depth)
    {
        bool hasMembers = false;
        while (true)
        {
            SkipBlank();
            switch (Peek())
            {
                case '\0' when closing: throw Malformed("is never closed by '}'", opened, "the '{' here ");
                case '\0': return hasMembers;
                case '}' when closing: _at++; return hasMembers;
                case '}': throw Malformed("a '}' that closes nothing");
                case ',': _at++; break;
                default: ReadField(prefix, depth); hasMembers = true; break;
            }
        }
    }

    private void ReadField(string prefix, int depth)
    {
        int line = _line;
        string own = ReadPath();
        string path = prefix + own;
        depth += 1 + own.AsSpan().Count('.');
        if (depth > DepthMax) throw Malformed($"a key is nested deeper than {DepthMax} levels", line);
        if (path.Length > KeyLengthMax) throw Malformed($"a key is longer than {KeyLengthMax} characters", line);
        if (Peek() == '{')
        {
            ReadObject(path, line, depth);
            return;
        }

        if (Peek() == '+' && Peek(1) == '=') throw Malformed($"'+=' is not supported; write the whole list of {path}");
        if (Peek() is not ('=' or ':')) throw Malformed($"expected '=' or '{{' after {path}");
        _at++;
        SkipSpaces();
        if (Peek() is '\n' or '\0' or '#' or '}' or ',' || IsComment()) SkipToBracket(path, line);
        if (Peek() == '{')
        {
            ReadObject(path, _line, depth);
            return;
        }

        _lines[path] = line;
        _written.Remove(path);
        int start = _at;
        ReadValue(path);
        if (PlainText(_text.AsSpan(start, _at - start).Trim(" \t")) is { } plain) _written[path] = plain;
    }

    private void SkipToBracket(string path, int line)
    {
        SkipBlank();
        if (Peek() is not ('{' or '[')) throw Malformed($"{path} has no value", line);
    }

    private string ReadPath()
    {
        var path = new StringBuilder();
        while (true)
        {
            char next = Peek();
            if (next == '"')
            {
                path.Append(ReadQuoted());
            }
            else if (char.IsLetterOrDigit(next) || next is '-' or '_' or '.')
            {
                path.Append(next);
                _at++;
            }
            else
            {
                break;
            }
        }

        if (path.Length == 0) throw Malformed($"expected a key, and found '{Peek()}'");
        SkipSpaces();
        return path.ToString();
    }

    private void ReadValue(string path)
    {
        if (Peek() == '[')
        {
            ReadList(path);
            return;
        }

        int start = _at;
        while (Peek() is not ('\0' or '\n' or ',' or '}' or ']') && !IsComment())
        {
            switch (Peek())
            {
                case '"': ReadQuoted(); break;
                case '$' when Peek(1) == '{':
                    throw Malformed($"{path} holds a substitution, which is not supported; set an environment variable");
                case '=' or ':' or '{' or '[' or '+' or '`' or '^' or '?' or '!' or '@' or '*' or '&' or '\\' or '$':
                    throw Malformed($"the value of {path} holds '{Peek()}'; put it in double quotes");
                default: _at++; break;
            }
        }

        // "pa#ss" would be "pa" and a comment, and "/data//x" would be "/data", and no one would be told.
        if (_at > start && IsComment() && _text[_at - 1] is not (' ' or '\t' or '"'))
            throw Malformed(
                $"the value of {path} is cut off by a comment at '{(Peek() == '#' ? "#" : "//")}'; put it in double quotes, or a space "
                    + $"before the comment");
    }

    // A word without a meaning of its own, or one string without escapes.
    private static string? PlainText(ReadOnlySpan<char> raw)
    {
        if (raw.IsEmpty || raw[0] == '[' || raw.StartsWith("\"\"\"")) return null;
        if (!raw.Contains('"')) return raw.ToString();
        ReadOnlySpan<char> inside = raw[0] == '"' && raw[^1] == '"' && raw.Length > 1 ? raw[1..^1] : "\"";
        return inside.ContainsAny('"', '\\') ? null : inside.ToString();
    }

    private void ReadList(string path)
    {
        int opened = _line;
        _at++;
        while (true)
        {
            SkipBlank();
            switch (Peek())
            {
                case '\0': throw Malformed($"the '[' of {path} is never closed by ']'", opened);
                case ']': _at++; return;
                case ',': _at++; break;
                case '}': throw Malformed($"a '}}' inside the list of {path}");
                case '{': throw Malformed($"an object inside the list of {path} is not supported");
                case '[': throw Malformed($"a list inside the list of {path} is not supported");
                default: ReadValue(path); break;
            }
        }
    }

    private string ReadQuoted()
    {
        int opened = _line;
        string quote = _text.AsSpan(_at).StartsWith("\"\"\"") ? "\"\"\"" : "\"";
        _at += quote.Length;
        int start = _at;
        while (!_text.AsSpan(_at).StartsWith(quote))
        {
            if (_at >= _text.Length || (quote.Length == 1 && Peek() == '\n'))
            {
                throw Malformed("a string is never closed by '\"'", opened);
            }

            if (Peek() == '\n') _line++;
            _at += quote.Length == 1 && Peek() == '\\' && Peek(1) is not ('\0' or '\n') ? 2 : 1;
        }

        string inside = _text[start.._at];
        _at += quote.Length;
        return inside;
    }

    private char Peek(int ahead = 0) => _at + ahead < _text.Length ? _text[_at + ahead] : '\0';

    private bool IsComment() => Peek() == '#' || (Peek() == '/' && Peek(1) == '/');

    private void SkipSpaces()
    {
        while (Peek() is ' ' or '\t' or '\r' or '\uFEFF') _at++;
    }

    private void SkipBlank()
    {
        while (true)
        {
            SkipSpaces();
            if (Peek() == '\n')
            {
                _line++;
                _at++;
            }
            else if (IsComment())
            {
                while (Peek() is not ('\n' or '\0')) _at++;
            }
            else
            {
                return;
            }
        }
    }

    private SettingException Malformed(string what, int? line = null, string subject = "") =>
        new(string.Create(CultureInfo.InvariantCulture, $"{_source} line {line ?? _line}: {subject}{what}."));
}
