using System.Text;
using Akka.Configuration;
using Akka.Configuration.Hocon;

namespace Broker.Configuration;

/// <summary>One place that settings come from: a file, the environment, the command line.</summary>
public sealed class SettingsLayer
{
    private static readonly UTF8Encoding s_strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    // Akka's parser makes nothing of the word, quoted or not; to a setting it is a text like others.
    private const string Null = "null";

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

    /// <summary>
    /// Every group that the layer writes without a member, such as <c>broker.namespaces.chat {}</c>, with its place. Its name may send
    /// something by itself.
    /// </summary>
    public IReadOnlyDictionary<string, SettingOrigin> EmptyGroups { get; private init; } = new Dictionary<string, SettingOrigin>();

    /// <summary>The longest file.</summary>
    public const int FileBytesMax = 1024 * 1024;

    /// <summary>Reads a file of HOCON, which may be a pipe.</summary>
    /// <param name="path">Where it is.</param>
    /// <exception cref="SettingException">It cannot be read, is too long, is no UTF-8 or is malformed.</exception>
    public static SettingsLayer ReadFile(string path)
    {
        try
        {
            return Parse(path, ReadText(path, SettingFile.ReadAllBytes(path, FileBytesMax)));
        }
        catch (Exception unreadable) when (
            unreadable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new SettingException($"The file {path} cannot be read: {unreadable.Message}");
        }
    }

    private static string ReadText(string path, ReadOnlySpan<byte> text)
    {
        if (text.Length > FileBytesMax)
            throw new SettingException($"{path}: the file is longer than {SettingUnits.WriteSize(FileBytesMax)}.");
        try
        {
            return s_strictUtf8.GetString(text.StartsWith(Encoding.UTF8.Preamble) ? text[Encoding.UTF8.Preamble.Length..] : text);
        }
        catch (DecoderFallbackException bad)
        {
            throw new SettingException($"{path}: byte {bad.Index} is not UTF-8; save the file as UTF-8.");
        }
    }

    /// <summary>Parses HOCON.</summary>
    /// <param name="name">A path or another name, for messages.</param>
    /// <param name="text">The whole text.</param>
    /// <exception cref="SettingException">The text is malformed.</exception>
    public static SettingsLayer Parse(string name, string text)
    {
        ArgumentNullException.ThrowIfNull(text);

        // To HOCON a lone CR ends no line, so that of a file with such line ends everything behind its first # would be a comment.
        text = text.Replace("\r\n", "\n", StringComparison.Ordinal).Replace('\r', '\n');
        IReadOnlyDictionary<string, int> lines =
            SettingLines.Scan(
                name, text, out IReadOnlyDictionary<string, string> written, out IReadOnlyDictionary<string, int> emptyGroups);
        Config config;
        try
        {
            config = lines.Count == 0 ? Config.Empty : ConfigurationFactory.ParseString(SettingCommas.Normalize(text));
        }
        catch (Exception malformed) when (malformed is ConfigurationException or FormatException)
        {
            throw new SettingException($"{name}: {malformed.Message}");
        }

        var values = Flatten(config, path => new SettingOrigin(name, LineOf(lines, path)));
        CheckAgainst(written, values);
        return new SettingsLayer(name, values, config)
        {
            EmptyGroups =
                emptyGroups.ToDictionary(static each => each.Key, each => new SettingOrigin(name, each.Value), StringComparer.Ordinal),
        };
    }

    // The scan and Akka's parser read the same text. Where they disagree the value would not be what its writer sees.
    private static void CheckAgainst(IReadOnlyDictionary<string, string> written, Dictionary<string, SettingValue> values)
    {
        List<string> problems =
        [
            .. from pair in written
               let value = values.GetValueOrDefault(pair.Key)
               where value is { Items: null } && value.Text != pair.Value
               select $"{value.Origin}: the value of {pair.Key} is not read as it is written; put it in double quotes.",
        ];
        if (problems.Count > 0) throw new SettingException(problems);
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

        // An empty list is one too, which HoconValue.IsArray denies.
        bool isList = value.Values.Any(static element => element.IsArray());
        List<string>? items = isList ? [.. value.GetArray().Select(item => item.GetString() ?? Null)] : null;
        string text = items is null ? value.GetString() ?? Null : string.Join(", ", items);
        values.TryAdd(path, new SettingValue(text, items, originOf(path)));
    }
}
