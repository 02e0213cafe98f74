using System.Collections;

namespace Broker.Configuration;

/// <summary>Settings from environment variables: <c>BROKER_LISTEN_PORT</c> is <c>broker.listen.port</c>.</summary>
/// <remarks>
/// Every known key has exactly one name: its own in upper case, with <c>_</c> for each dot and dash. Names are made
/// from the keys and never the other way round, so that a dash is never taken for a dot. A list is written with commas.
/// </remarks>
public static class EnvironmentLayer
{
    private const string Prefix = "BROKER_";

    /// <summary>The one variable that sets a key.</summary>
    public static string NameOf(string key) => key.ToUpperInvariant().Replace('.', '_').Replace('-', '_');

    /// <summary>Reads the variables that name a known key.</summary>
    /// <param name="variables">All variables of the process.</param>
    /// <param name="knownKeys">Full keys.</param>
    /// <param name="warnings">A sentence for each <c>BROKER_</c> variable that names no key.</param>
    public static SettingsLayer Read(IDictionary variables, IReadOnlyList<string> knownKeys, out IReadOnlyList<string> warnings)
    {
        Dictionary<string, string> keys = knownKeys.ToDictionary(NameOf, StringComparer.Ordinal);
        var values = new Dictionary<string, SettingValue>(StringComparer.Ordinal);
        var unknown = new List<string>();
        foreach (DictionaryEntry variable in variables)
        {
            var name = (string)variable.Key;
            if (!name.StartsWith(Prefix, StringComparison.Ordinal)) continue;
            if (keys.TryGetValue(name, out string? key))
            {
                var origin = new SettingOrigin($"environment variable {name}");
                values[key] = new SettingValue((string?)variable.Value ?? "", null, origin);
                continue;
            }

            string? nearest = NearestName.Find(name, keys.Keys);
            string hint = nearest is null ? "." : $"; did you mean {nearest}?";
            unknown.Add($"The environment variable {name} names no setting and is ignored{hint}");
        }

        warnings = [.. unknown.Order(StringComparer.Ordinal)];
        return SettingsLayer.Of("environment", values);
    }
}
