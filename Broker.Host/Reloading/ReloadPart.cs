using Broker.Host.Settings;

namespace Broker.Host.Reloading;

/// <summary>One part of the process that takes changed settings while it runs.</summary>
/// <param name="Keys">The keys that it takes; one that ends in a dot stands for all below it.</param>
/// <param name="Check">Finds what would not work about new settings, before anything is changed; a whole sentence, or null.</param>
/// <param name="Apply">Takes new settings that every part has found good.</param>
internal sealed record ReloadPart(IReadOnlyList<string> Keys, Func<HostSettings, string?> Check, Action<HostSettings> Apply)
{
    /// <summary>Whether it takes a key.</summary>
    public bool Takes(string key) => Keys.Any(each => each.EndsWith('.') ? key.StartsWith(each, StringComparison.Ordinal) : key == each);
}
