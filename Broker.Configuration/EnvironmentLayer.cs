using System.Collections;
using System.Text.RegularExpressions;

namespace Broker.Configuration;

/// <summary>Settings from environment variables: <c>BROKER_LISTEN_PORT</c> is <c>broker.listen.port</c>.</summary>
/// <remarks>
/// Every known key has exactly one name: its own in upper case, with <c>_</c> for each dot and dash. Names are made
/// from the keys and never the other way round, so that a dash is never taken for a dot. A list is written with commas.
/// An empty variable counts as not set. What Kubernetes sets in each container for a service of that name is no setting:
/// <c>BROKER_TLS_PORT=tcp://10.0.0.1:8443</c> comes from a service named <c>broker-tls</c>.
/// </remarks>
public static partial class EnvironmentLayer
{
    private const string Prefix = "BROKER_";

    /// <summary>The one variable that sets a key.</summary>
    public static string NameOf(string key) => key.ToUpperInvariant().Replace('.', '_').Replace('-', '_');

    /// <summary>Whether Kubernetes or Docker set a variable for a service, and no one for the hub.</summary>
    /// <param name="name">The variable's name.</param>
    /// <param name="value">Its value.</param>
    public static bool IsOfService(string name, string value) =>
        ServiceName().IsMatch(name) || (name.EndsWith("_PORT", StringComparison.Ordinal) && ServiceAddress().IsMatch(value));

    [GeneratedRegex("(_SERVICE_HOST|_SERVICE_PORT(_[A-Z0-9_]+)?|_PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$")]
    private static partial Regex ServiceName();

    [GeneratedRegex("^(tcp|udp|sctp)://")]
    private static partial Regex ServiceAddress();

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
            string text = (string?)variable.Value ?? "";
            if (!name.StartsWith(Prefix, StringComparison.Ordinal) || text.Length == 0 || IsOfService(name, text)) continue;
            if (keys.TryGetValue(name, out string? key))
            {
                var origin = new SettingOrigin($"environment variable {name}");
                values[key] = new SettingValue(text, null, origin);
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
