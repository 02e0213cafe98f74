using Broker.Configuration;

namespace Broker.Host.Commands;

/// <summary>A setting's value as it is shown to people: one that is a secret is not.</summary>
internal static class PrintedSetting
{
    private const string Mask = "***";

    // A word of the key's last part, as in broker.tls.password or broker.tokens.hmac-secret; api-keys are what calls the hub's own API.
    private static readonly string[] s_secretWords = ["password", "passphrase", "secret", "secrets", "hmac", "credential", "credentials"];
    private static readonly string[] s_secretNames = ["api-key", "api-keys", "private-key", "token", "tokens"];

    /// <summary>The value, or a mask that does not even tell its length; what is empty is shown as that.</summary>
    /// <param name="key">The setting's whole key, by which secrets are known wherever they were set.</param>
    /// <param name="value">Its value.</param>
    public static string Of(string key, SettingValue value)
    {
        string text = value.Text.Length > 0 && IsSecret(key) ? Mask : value.Text;
        return value.Items is null ? text : $"[{text}]";
    }

    /// <summary>Whether a key names a secret.</summary>
    public static bool IsSecret(string key)
    {
        string name = key[(key.LastIndexOf('.') + 1)..].Trim('"');
        return s_secretNames.Contains(name, StringComparer.OrdinalIgnoreCase)
            || name.Split('-', '_').Any(word => s_secretWords.Contains(word, StringComparer.OrdinalIgnoreCase));
    }
}
