using Serilog.Core;
using Serilog.Events;

namespace Broker.Host.Logging;

/// <summary>Which events are written, by their source and level. May be changed while the process runs.</summary>
public sealed class LevelTable
{
    // Why the process could not start or end is told by itself, in one line.
    private const string HostLifetime = "Microsoft.Extensions.Hosting.Internal.Host";
    private const string Framework = "Microsoft";

    private volatile KeyValuePair<string, LogEventLevel>[] _levels = [];

    /// <summary>Makes a table.</summary>
    public LevelTable(LogSettings settings) => Apply(settings);

    /// <summary>The least level of all sources: below it nothing is made.</summary>
    public LoggingLevelSwitch Lowest { get; } = new();

    /// <summary>Takes other levels.</summary>
    public void Apply(LogSettings settings)
    {
        ArgumentNullException.ThrowIfNull(settings);
        var levels = new Dictionary<string, LogEventLevel>(StringComparer.Ordinal) { [""] = settings.Level };

        // The framework tells of each request and of its own life at "information"; our own lines say what matters.
        if (settings.Level >= LogEventLevel.Information)
        {
            levels[Framework] = settings.Level < LogEventLevel.Warning ? LogEventLevel.Warning : settings.Level;
            levels[HostLifetime] = LogEventLevel.Fatal;
        }

        foreach ((string source, LogEventLevel level) in settings.Levels) levels[source] = level;
        _levels = [.. levels.OrderByDescending(each => each.Key.Length)];
        Lowest.MinimumLevel = levels.Values.Min();
    }

    /// <summary>Whether an event is written.</summary>
    public bool Takes(LogEvent logEvent)
    {
        ArgumentNullException.ThrowIfNull(logEvent);
        string source =
            logEvent.Properties.GetValueOrDefault(Constants.SourceContextPropertyName) is ScalarValue { Value: string name } ? name : "";
        foreach ((string start, LogEventLevel level) in _levels)
        {
            if (IsUnder(source, start)) return logEvent.Level >= level;
        }

        return false;
    }

    // "Broker.Act" is no source above "Broker.Actors".
    private static bool IsUnder(string source, string start) =>
        source.StartsWith(start, StringComparison.Ordinal)
            && (start.Length == 0 || source.Length == start.Length || source[start.Length] is '.' or '+' or '`');
}
