using Akka.Configuration;

namespace Broker.Configuration;

/// <summary>Settings from several places, the stronger over the weaker, each value with its origin.</summary>
public sealed class SettingsLayers
{
    private const string Root = "broker.";
    private const string AkkaRoot = "akka.";

    private readonly IReadOnlyList<SettingsLayer> _references;
    private readonly IReadOnlyList<SettingsLayer> _overrides;
    private readonly IReadOnlyList<NamedGroup> _groups;

    // Keys below each name that a layer writes behind the prefix are those that the defaults have below the template.
    private sealed record NamedGroup(string Prefix, string Template)
    {
        internal const string NameSegment = ".NAME";

        internal string? NameOf(string key)
        {
            if (!key.StartsWith(Prefix, StringComparison.Ordinal)) return null;
            int end = key.IndexOf('.', Prefix.Length);
            return end < 0 ? key[Prefix.Length..] : key[Prefix.Length..end];
        }

        internal string? TemplateOf(string key) =>
            NameOf(key) is { } name && key.Length > Prefix.Length + name.Length + 1 ? Template + key[(Prefix.Length + name.Length + 1)..]
                : null;
    }

    /// <summary>Stacks layers.</summary>
    /// <param name="references">Layers of defaults. Their keys are all the keys there are.</param>
    /// <param name="overrides">Layers over the defaults, the weakest first.</param>
    public SettingsLayers(IReadOnlyList<SettingsLayer> references, IReadOnlyList<SettingsLayer> overrides)
    {
        _references = references;
        _overrides = overrides;
        _groups =
        [
            .. from layer in references
               from key in layer.Keys
               where key.EndsWith(NamedGroup.NameSegment, StringComparison.Ordinal)
               select new NamedGroup(key[..^(NamedGroup.NameSegment.Length - 1)], layer.Find(key)!.Text + "."),
        ];
        IReadOnlyList<string> keys = KeysOf(references);
        KnownKeys =
        [
            .. keys.Concat(
                from @group in _groups
                from name in NamesIn(@group)
                from key in keys
                where key.StartsWith(@group.Template, StringComparison.Ordinal)
                select $"{@group.Prefix}{name}.{key[@group.Template.Length..]}").Order(StringComparer.Ordinal),
        ];
    }

    /// <summary>
    /// Every key that has a meaning, in alphabetical order; of groups with names, those of every name that a layer writes.
    /// </summary>
    public IReadOnlyList<string> KnownKeys { get; }

    /// <summary>Gives the keys under <c>broker</c> that layers of defaults define.</summary>
    public static IReadOnlyList<string> KeysOf(IEnumerable<SettingsLayer> references) =>
    [
        .. references.SelectMany(layer => layer.Keys)
            .Where(key => key.StartsWith(Root, StringComparison.Ordinal) && !key.EndsWith(NamedGroup.NameSegment, StringComparison.Ordinal))
            .Distinct()
            .Order(StringComparer.Ordinal),
    ];

    /// <summary>The value of the strongest layer that has one, or <c>null</c> for an unknown key.</summary>
    public SettingValue? Find(string key) => FindOverride(key) ?? FindDefault(key);

    /// <summary>The value of the strongest layer over the defaults, or <c>null</c> if the default stands.</summary>
    public SettingValue? FindOverride(string key) => FindIn(_overrides, key);

    /// <summary>The default of a key.</summary>
    public SettingValue? FindDefault(string key) =>
        FindIn(_references, key)
            ?? _groups.Select(each => each.TemplateOf(key)).Where(template => template is not null)
            .Select(template => FindIn(_references, template!)).FirstOrDefault();

    /// <summary>The names that layers write in a group with names.</summary>
    /// <param name="prefix">
    /// The group's, such as <c>broker.namespaces.</c>, which <c>reference.conf</c> gives a template: <c>namespaces.NAME =
    /// broker.channels</c>.
    /// </param>
    public IReadOnlyList<string> NamesUnder(string prefix) => [.. _groups.Where(each => each.Prefix == prefix).SelectMany(NamesIn)];

    /// <summary>
    /// Every known key whose value differs from its default, with the value in force as it may be shown: secrets are hidden.
    /// </summary>
    public IEnumerable<KeyValuePair<string, SettingValue>> Changed() =>
        from key in KnownKeys
        let value = FindOverride(key)
        where value is not null && value.Text != FindDefault(key)?.Text
        select KeyValuePair.Create(key, value with { Text = value.Shown(key), Items = null });

    /// <summary>Every key outside <c>broker</c> that a layer over the defaults sets, with its value: those of Akka.</summary>
    public IEnumerable<KeyValuePair<string, SettingValue>> Foreign() =>
        from key in _overrides.SelectMany(layer => layer.Keys).Where(key => key.StartsWith(AkkaRoot, StringComparison.Ordinal)).Distinct()
        select KeyValuePair.Create(key, FindOverride(key)!);

    /// <summary>What a file may not say: keys that do not exist.</summary>
    /// <returns>One sentence for each unknown key, with the known key that is nearest; none if all is well.</returns>
    public IEnumerable<string> CheckKeys()
    {
        foreach (SettingsLayer layer in _overrides)
        {
            foreach (string key in layer.Keys.Where(IsUnknown).Order(StringComparer.Ordinal))
            {
                string? nearest = NearestName.Find(key, KnownKeys);
                string hint = nearest is null ? "." : $"; did you mean {nearest}?";
                yield return $"{layer.Find(key)!.Origin}: there is no setting {VisibleText.Of(key)}{hint}";
            }

            foreach ((string group, SettingOrigin origin) in layer.EmptyGroups.Where(each => IsUnknownGroup(each.Key))
                .OrderBy(static each => each.Key, StringComparer.Ordinal))
                yield return $"{origin}: there is no group of settings {VisibleText.Of(group)}.";
        }
    }

    /// <summary>All layers as one configuration, for what Akka reads itself, such as <c>akka.actor</c>.</summary>
    public Config ToConfig() => _overrides.Reverse().Concat(_references.Reverse())
        .Where(layer => !layer.Config.IsEmpty)
        .Aggregate(Config.Empty, (config, weaker) => config.WithFallback(weaker.Config));

    // Akka's own settings are Akka's to judge. All else must be ours: "brokr.listen" would be silently lost otherwise.
    private bool IsUnknown(string key) =>
        !key.StartsWith(AkkaRoot, StringComparison.Ordinal) && !KnownKeys.Contains(key);

    private bool IsUnknownGroup(string group)
    {
        string prefix = group + ".";
        return !prefix.StartsWith(AkkaRoot, StringComparison.Ordinal)
            && !KnownKeys.Any(key => key.StartsWith(prefix, StringComparison.Ordinal))
            && !_groups.Any(each => each.Prefix == prefix);
    }

    private IEnumerable<string> NamesIn(NamedGroup group) =>
        _overrides.SelectMany(static layer => layer.Keys.Concat(layer.EmptyGroups.Keys)).Select(group.NameOf).OfType<string>().Distinct()
            .Order(StringComparer.Ordinal);

    private static SettingValue? FindIn(IReadOnlyList<SettingsLayer> layers, string key) =>
        layers.Reverse().Select(layer => layer.Find(key)).FirstOrDefault(value => value is not null);
}
