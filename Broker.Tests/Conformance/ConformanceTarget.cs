using Broker.Tests.Conformance.Wire;

namespace Broker.Tests.Conformance;

/// <summary>A running server whose echo endpoint the cases are played against.</summary>
public interface IConformanceTarget : IAsyncDisposable
{
    /// <summary>Opens the connections.</summary>
    IConformanceConnector Connector { get; }

    /// <summary>Whether second-best behaviour fails a test, as it does for our own server.</summary>
    bool MustBeStrict { get; }
}

/// <summary>The one place that says which server is tested.</summary>
public static class ConformanceTarget
{
    private const string UrlVariable = "BROKER_CONFORMANCE_URL";
    private const string UnixVariable = "BROKER_CONFORMANCE_UNIX";
    private const string Http2Variable = "BROKER_CONFORMANCE_HTTP2";

    /// <summary>Starts or finds the server.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static Task<IConformanceTarget> StartAsync()
    {
        string? url = Environment.GetEnvironmentVariable(UrlVariable);
        if (string.IsNullOrEmpty(url))
        {
            throw new InvalidOperationException(
                $"No server to test: set {UrlVariable} to an echo endpoint, for instance ws://127.0.0.1:9001/echo.");
        }

        return Task.FromResult<IConformanceTarget>(new NamedServer(ConnectorFor(new Uri(url))));
    }

    private static IConformanceConnector ConnectorFor(Uri endpoint)
    {
        if (Environment.GetEnvironmentVariable(Http2Variable) == "1") return new Http2Connector(endpoint);
        return Environment.GetEnvironmentVariable(UnixVariable) is { Length: > 0 } path
            ? Http1Connector.ForUnixSocket(path, endpoint)
            : Http1Connector.ForUri(endpoint);
    }

    /// <summary>A server that someone else started.</summary>
    private sealed class NamedServer(IConformanceConnector connector) : IConformanceTarget
    {
        public IConformanceConnector Connector => connector;

        public bool MustBeStrict => false;

        public ValueTask DisposeAsync()
        {
            (Connector as IDisposable)?.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
