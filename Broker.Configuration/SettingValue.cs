using System.Text.RegularExpressions;

namespace Broker.Configuration;

/// <summary>Where a value was written.</summary>
/// <param name="Source">A file, <c>environment variable BROKER_LISTEN_PORT</c> or <c>command line --port</c>.</param>
/// <param name="Line">The line, counted from 1, of a source that has lines.</param>
public sealed record SettingOrigin(string Source, int? Line = null)
{
    /// <summary>Gives <c>broker.conf line 12</c>, or the source alone.</summary>
    public override string ToString() => Line is int line ? $"{Source} line {line}" : Source;
}

/// <summary>A value as it was written, before anyone asked what it means.</summary>
/// <param name="Text">The text; of a list its items, joined by commas.</param>
/// <param name="Items">The items of a list; of a plain value <c>null</c>.</param>
/// <param name="Origin">Where it was written.</param>
public sealed partial record SettingValue(string Text, IReadOnlyList<string>? Items, SettingOrigin Origin)
{
    private const string Hidden = "***";
    private const int ShownMax = 200;

    private static readonly HashSet<string> s_secretWords =
        new(["password", "passwords", "passphrase", "secret", "secrets", "credential", "credentials", "token", "tokens", "hmac"],
            StringComparer.OrdinalIgnoreCase);

    /// <summary>What may be shown of it to the reader of a screen or a log: nothing of a secret, and no control characters.</summary>
    /// <param name="key">The full key, whose last part says whether the value is a secret.</param>
    public string Shown(string key) =>
        Text.Length == 0 ? Items is null ? "nothing" : "[]"
        : IsSecret(key) ? Hidden
        : Items is null ? Plain(Text) : $"[{Plain(Text)}]";

    // Of a URL no password.
    private static string Plain(string text) => VisibleText.Of(UrlPassword().Replace(text, $"$1{Hidden}@"), ShownMax);

    [GeneratedRegex("(://[^/@:\\s]*:)[^/@\\s]+@", RegexOptions.CultureInvariant)]
    private static partial Regex UrlPassword();

    /// <summary>
    /// Whether a key's value is a secret, by the words of its last part: <c>broker.tls.password</c> is one, <c>broker.tls.key</c> is a
    /// path.
    /// </summary>
    public static bool IsSecret(string key)
    {
        string last = key[(key.LastIndexOf('.') + 1)..];
        return last is "api-key" or "api-keys" or "keys" or "private-key" or "static-headers"
            || last.Split('-', '_').Any(s_secretWords.Contains);
    }
}
