using Akka.Configuration;
using Akka.Configuration.Hocon;

namespace Broker.Configuration;

/// <summary>One place that settings come from: a file, the environment, the command line.</summary>
public sealed class SettingsLayer
{
    private readonly Dictionary<string, SettingValue> _values;

    private SettingsLayer(string name, Dictionary<string, SettingValue> values, Config config)
    {
        Name = name;
        _values = values;
        Config = config;
    }

    /// <summary>What the layer is called in messages: a path, or <c>environment</c>.</summary>
    public string Name { get; }

    /// <summary>What Akka's parser made of it; empty for a layer that has no text.</summary>
    public Config Config { get; }

    /// <summary>Every full key that the layer gives a value, such as <c>broker.listen.port</c>.</summary>
    public IReadOnlyCollection<string> Keys => _values.Keys;

    /// <summary>Parses HOCON.</summary>
    /// <param name="name">A path or another name, for messages.</param>
    /// <param name="text">The whole text.</param>
    /// <exception cref="SettingException">The text is malformed.</exception>
    public static SettingsLayer Parse(string name, string text)
    {
        IReadOnlyDictionary<string, int> lines = SettingLines.Scan(name, text);
        Config config;
        try
        {
            config = lines.Count == 0 ? Config.Empty : ConfigurationFactory.ParseString(SettingCommas.Normalize(text));
        }
        catch (Exception malformed) when (malformed is ConfigurationException or FormatException)
        {
            throw new SettingException($"{name}: {malformed.Message}");
        }

        return new SettingsLayer(name, Flatten(config, path => new SettingOrigin(name, LineOf(lines, path))), config);
    }

    /// <summary>Takes a configuration that someone else has parsed, with its fallbacks; it has no lines.</summary>
    public static SettingsLayer Of(string name, Config config) =>
        new(name, Flatten(config, _ => new SettingOrigin(name)), config);

    /// <summary>Takes single values, each with its own origin.</summary>
    /// <param name="name">The layer's name.</param>
    /// <param name="values">Full keys and what was written for them.</param>
    public static SettingsLayer Of(string name, IEnumerable<KeyValuePair<string, SettingValue>> values) =>
        new(name, new Dictionary<string, SettingValue>(values, StringComparer.Ordinal), Config.Empty);

    /// <summary>The value that this layer gives a key, or <c>null</c>.</summary>
    public SettingValue? Find(string key) => _values.GetValueOrDefault(key);

    private static int? LineOf(IReadOnlyDictionary<string, int> lines, string path) =>
        lines.TryGetValue(path, out int line) ? line : null;

    private static Dictionary<string, SettingValue> Flatten(Config config, Func<string, SettingOrigin> originOf)
    {
        var values = new Dictionary<string, SettingValue>(StringComparer.Ordinal);
        for (Config? each = config; each is { IsEmpty: false }; each = each.Fallback)
        {
            AddLeaves(each.Root, "", originOf, values);
        }

        return values;
    }

    // What is there already stands: a configuration comes before its fallback.
    private static void AddLeaves(
        HoconValue value, string path, Func<string, SettingOrigin> originOf, Dictionary<string, SettingValue> values)
    {
        if (value.IsObject())
        {
            string prefix = path.Length == 0 ? "" : path + ".";
            foreach ((string key, HoconValue inner) in value.GetObject().Items)
            {
                AddLeaves(inner, prefix + key, originOf, values);
            }

            return;
        }

        List<string>? items = value.IsArray() ? [.. value.GetArray().Select(item => item.GetString())] : null;
        string text = items is null ? value.GetString() ?? "" : string.Join(", ", items);
        values.TryAdd(path, new SettingValue(text, items, originOf(path)));
    }
}
