using System.Text.RegularExpressions;

namespace Broker.Configuration;

/// <summary>Which settings are secrets, and how a value is shown to people: a secret is not, wherever it was set.</summary>
public static partial class SecretSettings
{
    private const string Mask = "***";

    // A word of the key's last part, as in broker.tls.password or broker.tokens.hmac-secret; or that part as a whole.
    private static readonly string[] s_words = ["password", "passphrase", "secret", "secrets", "credential", "credentials"];
    private static readonly string[] s_names = ["api-key", "api-keys", "private-key", "token", "static-headers"];

    /// <summary>Whether a key names a secret.</summary>
    /// <param name="key">The whole key, such as <c>broker.tls.password</c>.</param>
    public static bool IsSecret(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        string name = key[(key.LastIndexOf('.') + 1)..].Trim('"');
        return s_names.Contains(name, StringComparer.OrdinalIgnoreCase)
            || name.Split('-', '_').Any(word => s_words.Contains(word, StringComparer.OrdinalIgnoreCase));
    }

    /// <summary>A value as it is shown: of a secret a mask that does not even tell its length, of a URL no password. What is empty is shown as that.</summary>
    /// <param name="key">The setting's whole key.</param>
    /// <param name="value">Its value.</param>
    public static string Show(string key, SettingValue value)
    {
        ArgumentNullException.ThrowIfNull(value);
        string text = value.Text.Length > 0 && IsSecret(key) ? Mask : UrlPassword().Replace(value.Text, $"$1{Mask}@");
        return value.Items is null ? text : $"[{text}]";
    }

    [GeneratedRegex("(://[^/@:\\s]*:)[^/@\\s]+@", RegexOptions.CultureInvariant)]
    private static partial Regex UrlPassword();
}
