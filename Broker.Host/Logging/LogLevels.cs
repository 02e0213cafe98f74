using Serilog.Events;

namespace Broker.Host.Logging;

/// <summary>The names of levels: Serilog's own, and those that other systems use for the same.</summary>
public static class LogLevels
{
    /// <summary>Other names, in lower case.</summary>
    public static IReadOnlyDictionary<string, LogEventLevel> Aliases { get; } =
        new Dictionary<string, LogEventLevel>(StringComparer.Ordinal)
    {
        ["trace"] = LogEventLevel.Verbose,
        ["info"] = LogEventLevel.Information,
        ["warn"] = LogEventLevel.Warning,
        ["critical"] = LogEventLevel.Fatal,
    };

    /// <summary>Reads <c>Broker.Actors = debug</c>: the start of a source's name and its level.</summary>
    public static bool TryReadSource(string text, out KeyValuePair<string, LogEventLevel> level)
    {
        ArgumentNullException.ThrowIfNull(text);
        level = default;
        string[] parts = text.Split('=', StringSplitOptions.TrimEntries);
        if (parts.Length != 2 || parts[0].Length == 0
            || parts[0].Any(letter => !char.IsAsciiLetterOrDigit(letter) && letter is not ('.' or '_'))) return false;
        if (!TryRead(parts[1], out LogEventLevel read)) return false;
        level = KeyValuePair.Create(parts[0], read);
        return true;
    }

    private static bool TryRead(string text, out LogEventLevel level) =>
        Aliases.TryGetValue(text.ToLowerInvariant(), out level)
            || (!text.Any(char.IsAsciiDigit) && Enum.TryParse(text, ignoreCase: true, out level) && Enum.IsDefined(level));
}
