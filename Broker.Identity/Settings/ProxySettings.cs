namespace Broker.Identity.Settings;

/// <summary>The application's backend, which is asked by HTTP: <c>broker.proxy</c>.</summary>
public sealed record ProxySettings
{
    /// <summary>Asked when a client connects without a token; <c>null</c> for no one.</summary>
    public Uri? Connect { get; init; }

    /// <summary>Asked when a connection that the backend admitted expires.</summary>
    public Uri? Refresh { get; init; }

    /// <summary>Asked when a client subscribes, in namespaces that say so.</summary>
    public Uri? Subscribe { get; init; }

    /// <summary>Asked when a client publishes, in namespaces that say so.</summary>
    public Uri? Publish { get; init; }

    /// <summary>Asked when a subscription that the backend granted expires.</summary>
    public Uri? SubRefresh { get; init; }

    /// <summary>Asked when a client calls a method that the hub does not have.</summary>
    public Uri? Rpc { get; init; }

    /// <summary>How long the backend has for an answer.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Names of headers of the client's own upgrade request that the backend gets.</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>Names of headers inside the connect command that the backend gets; a client can write there what it wants.</summary>
    public IReadOnlyList<string> EmulatedHeaders { get; init; } = [];

    /// <summary>Headers that every request has, such as a key of the hub's.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> StaticHeaders { get; init; } = [];

    /// <summary>Whether data and info go as base64 (<c>b64data</c>) rather than as JSON.</summary>
    public bool Binary { get; init; }

    /// <summary>Whether the backend is sent the <c>meta</c> of the connection.</summary>
    public bool IncludeMeta { get; init; }

    /// <summary>Most requests at a time to the backend.</summary>
    public int ConcurrencyMax { get; init; } = 256;

    /// <summary>Most requests that may wait for their turn.</summary>
    public int WaitingMax { get; init; } = 4096;

    /// <summary>The longest answer of the backend.</summary>
    public int AnswerBytesMax { get; init; } = 1024 * 1024;

    /// <summary>Failures in a row after which the backend counts as down.</summary>
    public int CircuitFailures { get; init; } = 10;

    /// <summary>How long a backend that is down is left alone before one request tries it.</summary>
    public TimeSpan CircuitPause { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Every endpoint that is set.</summary>
    public IEnumerable<Uri> Endpoints => new[] { Connect, Refresh, Subscribe, Publish, SubRefresh, Rpc }.OfType<Uri>();
}
