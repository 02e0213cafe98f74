using System.Globalization;
using System.Text.RegularExpressions;
using System.Net;

namespace Broker.Configuration;

/// <summary>Reads typed settings out of layers, and keeps a sentence for each value that is none.</summary>
/// <remarks>
/// A getter given a bad value notes it and gives the type's default, so that one run finds every mistake. The caller
/// ends with <see cref="ThrowIfBad"/>; nothing that was read counts before that has returned.
/// </remarks>
public sealed class SettingsReader(SettingsLayers layers)
{
    private static readonly Dictionary<string, bool> Truths = new(StringComparer.OrdinalIgnoreCase)
    {
        ["on"] = true, ["true"] = true, ["yes"] = true, ["off"] = false, ["false"] = false, ["no"] = false,
    };

    private const int TextMax = 1000;

    private readonly List<string> _problems = [];
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    /// <summary>Whether every value read so far was good, so that values may be compared with each other.</summary>
    public bool IsGood => _problems.Count == 0;

    /// <summary>Full keys that have been asked for.</summary>
    public IReadOnlySet<string> KeysRead => _read;

    /// <summary>Reads a switch.</summary>
    public bool GetSwitch(string key) =>
        Get(key, "on or off", (string text, out bool value) => Truths.TryGetValue(text, out value));

    /// <summary>Reads a whole number in a range.</summary>
    public int GetCount(string key, int min, int max) =>
        Get(key, Invariant($"a whole number from {min} to {max}"), (string text, out int count) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out count) && count >= min && count <= max);

    /// <summary>Reads a port; 0 lets the system choose.</summary>
    public int GetPort(string key) => GetCount(key, IPEndPoint.MinPort, IPEndPoint.MaxPort);

    /// <summary>Reads a number of bytes in a range.</summary>
    public int GetSize(string key, int min, int max) =>
        Get(
            key,
            $"a size from {SettingUnits.WriteSize(min)} to {SettingUnits.WriteSize(max)}, such as 64KiB",
            (string text, out int size) =>
            {
                bool fits = SettingUnits.TryReadSize(text, out long bytes) && bytes >= min && bytes <= max;
                size = fits ? (int)bytes : 0;
                return fits;
            });

    /// <summary>Reads a size in bytes that may pass 2 GiB.</summary>
    public long GetLongSize(string key, long min, long max) =>
        Get(
            key,
            $"a size from {SettingUnits.WriteSize(min)} to {SettingUnits.WriteSize(max)}, such as 64KiB",
            (string text, out long size) => SettingUnits.TryReadSize(text, out size) && size >= min && size <= max);

    /// <summary>Reads a duration in a range.</summary>
    public TimeSpan GetDuration(string key, TimeSpan min, TimeSpan max) =>
        Get(
            key,
            $"a duration from {SettingUnits.Write(min)} to {SettingUnits.Write(max)}, such as 10s",
            (string text, out TimeSpan duration) =>
                SettingUnits.TryReadDuration(text, out duration) && duration >= min && duration <= max);

    /// <summary>Reads an IP address; <c>localhost</c> is 127.0.0.1.</summary>
    public IPAddress GetAddress(string key) =>
        Get(key, "an IP address, such as 127.0.0.1, 0.0.0.0 or \"::1\"", (string text, out IPAddress? address) =>
        {
            address = text == "localhost" ? IPAddress.Loopback : null;

            // The framework also takes "1" for 0.0.0.1, which no one means.
            return address is not null
                || (text.AsSpan().IndexOfAny('.', ':') >= 0 && IPAddress.TryParse(text, out address));
        }) ?? IPAddress.None;

    /// <summary>
    /// Reads the path of a URL: one that every server reads in the same way, so without encoded characters, empty parts and dots alone.
    /// </summary>
    public string GetPath(string key) =>
        Get(key, "a path that begins with /, such as /echo, without a query, percent signs, empty parts, . and ..",
            (string text, out string? path) =>
        {
            path = text;
            return IsPath(text);
        }) ?? "/";

    // "pchar = unreserved / pct-encoded / sub-delims / ":" / "@"", RFC 3986 section 3.3, but for pct-encoded.
    private static bool IsPath(string text) =>
        text is "/" || (text.StartsWith('/') && text[1..].Split('/').All(part =>
            part is not ("" or "." or "..")
                && part.All(letter => char.IsAsciiLetterOrDigit(letter) || "-._~!$&'()*+,;=:@".Contains(letter))));

    /// <summary>Reads a path of the file system.</summary>
    /// <param name="key">The full key.</param>
    /// <param name="check">What is expected of this one, to follow "expected"; null where it is good.</param>
    public string GetFilePath(string key, Func<string, string?>? check = null)
    {
        if (Take(key) is not { } value) return "";
        string? expected =
            value.Items is not null || value.Text.Any(char.IsControl) ? "a path without control characters" : check?.Invoke(value.Text);
        if (expected is null) return value.Text;
        Note(key, value, expected);
        return "";
    }

    /// <summary>Reads a list of texts, which is judged as a whole.</summary>
    /// <param name="key">The full key.</param>
    /// <param name="check">What is expected of this one, to follow "expected"; null where it is good.</param>
    public IReadOnlyList<string> GetTexts(string key, Func<IReadOnlyList<string>, string?> check)
    {
        ArgumentNullException.ThrowIfNull(check);
        if (Take(key) is not { } value) return [];
        string[] items = ItemsOf(value);
        if (check(items) is not { } expected) return items;
        Note(key, value, expected);
        return [];
    }

    /// <summary>Reads any text, which may be empty.</summary>
    public string GetText(string key) => GetText(key, "a text", static _ => true);

    /// <summary>Reads a text that has to be of a kind.</summary>
    /// <param name="key">The full key.</param>
    /// <param name="expected">What would be right, to follow "expected".</param>
    /// <param name="isGood">Whether a text is of that kind.</param>
    public string GetText(string key, string expected, Func<string, bool> isGood) =>
        Get(key, expected, (string text, out string? read) =>
        {
            read = text;
            return isGood(text);
        }) ?? "";

    /// <summary>
    /// Reads a regular expression that is matched against a whole text, in time that grows with the text alone; empty for none.
    /// </summary>
    public Regex? GetPattern(string key) =>
        Get(key, "a regular expression without look-around and back references", (string text, out Regex? pattern) =>
        {
            pattern = null;
            if (text.Length == 0) return true;
            try
            {
                pattern = new Regex($"^(?:{text})\\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
                return true;
            }
            catch (Exception malformed) when (malformed is ArgumentException or NotSupportedException)
            {
                return false;
            }
        });

    /// <summary>The names that were given in a group with names, such as <c>broker.namespaces.</c>.</summary>
    public IReadOnlyList<string> GetNames(string prefix) => layers.NamesUnder(prefix);

    /// <summary>Notes a name in a group with names that may not be one.</summary>
    /// <param name="prefix">The group's.</param>
    /// <param name="name">The name.</param>
    /// <param name="expected">What would be right, to follow "expected".</param>
    public void RefuseName(string prefix, string name, string expected) => _problems.Add($"{prefix}{name}: expected {expected}.");

    /// <summary>Reads a list, each of whose items has to be of a kind.</summary>
    /// <param name="key">The full key.</param>
    /// <param name="expected">What would be right, to follow "expected".</param>
    /// <param name="tryRead">Reads one item.</param>
    /// <returns>Every item, or none if one of them is bad.</returns>
    public IReadOnlyList<T> GetList<T>(string key, string expected, TryRead<T> tryRead)
    {
        ArgumentNullException.ThrowIfNull(tryRead);
        if (Take(key) is not { } value) return [];
        var read = new List<T>();
        foreach (string item in ItemsOf(value))
        {
            if (!tryRead(item, out T? one)) return Note<IReadOnlyList<T>>(key, value, expected) ?? [];
            read.Add(one!);
        }

        return read;
    }

    /// <summary>Reads one of an enumeration's names, in whatever case, a dash between its words.</summary>
    /// <param name="key">The full key.</param>
    /// <param name="aliases">Other names that are taken, in lower case.</param>
    public TEnum GetChoice<TEnum>(string key, IReadOnlyDictionary<string, TEnum>? aliases = null)
        where TEnum : struct, Enum
    {
        string[] names = [.. Enum.GetNames<TEnum>().Select(WordsOf)];
        return Get(key, $"one of {string.Join(", ", names)}", (string text, out TEnum choice) =>
        {
            int index = Array.FindIndex(names, name => name.Equals(text, StringComparison.OrdinalIgnoreCase));
            choice = index < 0 ? default : Enum.GetValues<TEnum>()[index];
            return index >= 0 || (aliases is not null && aliases.TryGetValue(text.ToLowerInvariant(), out choice));
        });
    }

    // XForwardedFor is x-forwarded-for.
    private static string WordsOf(string name) =>
        string.Concat(
            name.Select((letter, i) => i > 0 && char.IsUpper(letter) ? $"-{char.ToLowerInvariant(letter)}"
                : $"{char.ToLowerInvariant(letter)}"));

    /// <summary>Notes something wrong about a value that is well formed, such as one that contradicts another.</summary>
    /// <param name="key">The key to blame.</param>
    /// <param name="expected">What would be right, to follow "expected".</param>
    public void Refuse(string key, string expected)
    {
        if (layers.Find(key) is { } value) Note(key, value, expected);
    }

    /// <summary>Ends the reading.</summary>
    /// <exception cref="SettingException">A value was bad, or a key unknown.</exception>
    public void ThrowIfBad()
    {
        List<string> problems = [.. layers.CheckKeys(), .. _problems];
        if (problems.Count > 0) throw new SettingException(problems);
    }

    private static string[] ItemsOf(SettingValue value) =>
        value.Items is { } items
            ? [.. items]
            : value.Text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Reads a value of a kind that only the caller knows.</summary>
    /// <param name="key">The full key.</param>
    /// <param name="expected">What would be right, to follow "expected".</param>
    /// <param name="tryRead">Reads the value.</param>
    public T? Get<T>(string key, string expected, TryRead<T> tryRead)
    {
        ArgumentNullException.ThrowIfNull(tryRead);
        return Take(key) is not { } value
            ? default
            : value.Items is null && tryRead(value.Text, out T? read) ? read
            : Note<T>(key, value, expected);
    }

    private SettingValue? Take(string key)
    {
        _read.Add(key);
        SettingValue? value = layers.Find(key);
        if (value is null) _problems.Add($"No layer, not even reference.conf, defines {key}.");
        return value;
    }

    private T? Note<T>(string key, SettingValue value, string expected)
    {
        Note(key, value, expected);
        return default;
    }

    private void Note(string key, SettingValue value, string expected) =>
        _problems.Add($"{value.Origin}: {key} is {value.Shown(key)}, expected {VisibleText.Of(expected, TextMax)}.");

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}

/// <summary>Reads one value from its text.</summary>
/// <typeparam name="T">What it becomes.</typeparam>
/// <param name="text">What was written.</param>
/// <param name="value">The value, if the text is one.</param>
/// <returns>Whether the text is such a value.</returns>
public delegate bool TryRead<T>(string text, out T? value);
