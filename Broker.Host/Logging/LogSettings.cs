using Serilog.Events;

namespace Broker.Host.Logging;

/// <summary>What is logged, and how it is written.</summary>
public sealed record LogSettings
{
    /// <summary>The least important events that are written.</summary>
    public LogEventLevel Level { get; init; } = LogEventLevel.Information;

    /// <summary>Levels of single sources: the start of a source's name, and its level. The longest start counts.</summary>
    public IReadOnlyDictionary<string, LogEventLevel> Levels { get; init; } = new Dictionary<string, LogEventLevel>();

    /// <summary>Bytes of events that may wait for a reader of standard error; what comes beyond is dropped and counted.</summary>
    public int QueueBytesMax { get; init; } = 4 * 1024 * 1024;

    /// <summary>How an event is written.</summary>
    public LogFormat Format { get; init; } = LogFormat.Text;
}

/// <summary>How a log event is written.</summary>
public enum LogFormat
{
    /// <summary>A line for people.</summary>
    Text,

    /// <summary>A line of compact JSON for machines.</summary>
    Json,
}
