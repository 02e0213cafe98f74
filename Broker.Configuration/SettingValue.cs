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
public sealed record SettingValue(string Text, IReadOnlyList<string>? Items, SettingOrigin Origin);
