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

        bool http2 = Environment.GetEnvironmentVariable(Http2Variable) == "1";
        return Task.FromResult<IConformanceTarget>(new NamedServer(new Uri(url), http2));
    }

    /// <summary>A server that someone else started.</summary>
    private sealed class NamedServer(Uri endpoint, bool http2) : IConformanceTarget
    {
        public IConformanceConnector Connector { get; } =
            http2 ? new Http2Connector(endpoint) : Http1Connector.ForUri(endpoint);

        public bool MustBeStrict => false;

        public ValueTask DisposeAsync()
        {
            (Connector as IDisposable)?.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
