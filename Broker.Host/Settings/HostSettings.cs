using Broker.Actors.Settings;
using Serilog.Events;

namespace Broker.Host.Settings;

/// <summary>Everything that can be set about the process around the hub.</summary>
public sealed record HostSettings
{
    /// <summary>The hub's own settings.</summary>
    public HubSettings Hub { get; init; } = new();

    /// <summary>The log.</summary>
    public LogSettings Log { get; init; } = new();

    /// <summary>Plain HTTP on the public port.</summary>
    public HttpSettings Http { get; init; } = new();
}

/// <summary>What is logged, and how it is written.</summary>
public sealed record LogSettings
{
    /// <summary>The least important events that are written.</summary>
    public LogEventLevel Level { get; init; } = LogEventLevel.Information;

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

/// <summary>Bounds of plain HTTP on the public port.</summary>
public sealed record HttpSettings
{
    /// <summary>Whether <c>/</c> answers with the page.</summary>
    public bool Page { get; init; } = true;

    /// <summary>HTTP connections served at a time; one more is closed.</summary>
    public int ConnectionsMax { get; init; } = 1024;

    /// <summary>HTTP connections that may wait to be taken up; one more is closed.</summary>
    public int WaitingMax { get; init; } = 1024;

    /// <summary>How long a request's head may take.</summary>
    public TimeSpan HeadLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a connection may stay without a request.</summary>
    public TimeSpan KeepAliveLimit { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest body of a request.</summary>
    public int BodyBytesMax { get; init; } = 1024 * 1024;
}
