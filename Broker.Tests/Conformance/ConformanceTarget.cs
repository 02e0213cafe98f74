using Broker.Tests.Conformance.Cases;
using Broker.Tests.Conformance.Wire;
using Broker.Tests.EndToEnd;

namespace Broker.Tests.Conformance;

/// <summary>A running server whose echo endpoint the cases are played against.</summary>
public interface IConformanceTarget : IAsyncDisposable
{
    /// <summary>Opens the connections.</summary>
    IConformanceConnector Connector { get; }
}

/// <summary>What a server has to show in a case.</summary>
public enum Expectation
{
    /// <summary>It conforms; second-best behaviour will do.</summary>
    Conforms,

    /// <summary>It conforms, nothing about it is second-best, and the connection ends as it should.</summary>
    Strict,

    /// <summary>It declines the extension that the case is about, and the connection ends as it should.</summary>
    Unimplemented,
}

/// <summary>The one place that says which server is tested.</summary>
public static class ConformanceTarget
{
    private const string UrlVariable = "BROKER_CONFORMANCE_URL";
    private const string UnixVariable = "BROKER_CONFORMANCE_UNIX";
    private const string Http2Variable = "BROKER_CONFORMANCE_HTTP2";

    // Groups 12 and 13 are about permessage-deflate, which is off unless it is asked for.
    private static readonly Dictionary<string, string> s_environment = new() { ["BROKER_COMPRESSION_ENABLED"] = "on" };

    private static string? Url => Environment.GetEnvironmentVariable(UrlVariable) is { Length: > 0 } url ? url : null;

    /// <summary>What the server of this run has to show: a named one conforms, our own does so strictly in all that it has.</summary>
    public static Expectation ExpectationOf(ConformanceCase played)
    {
        ArgumentNullException.ThrowIfNull(played);
        return Url is null ? Expectation.Strict : Expectation.Conforms;
    }

    /// <summary>Finds the server that is named, or starts our own: the real host with its echo endpoint.</summary>
    public static async Task<IConformanceTarget> StartAsync()
    {
        if (Url is not { } url) return new OwnHost(await HostProcess.StartAsync(s_environment, "--echo"));
        return new NamedServer(ConnectorFor(new Uri(url)));
    }

    private static IConformanceConnector ConnectorFor(Uri endpoint)
    {
        if (Environment.GetEnvironmentVariable(Http2Variable) == "1") return new Http2Connector(endpoint);
        return Environment.GetEnvironmentVariable(UnixVariable) is { Length: > 0 } path
            ? Http1Connector.ForUnixSocket(path, endpoint)
            : Http1Connector.ForUri(endpoint);
    }

    /// <summary>The host that was built with these tests; after all cases it still ends gracefully.</summary>
    private sealed class OwnHost(HostProcess host) : IConformanceTarget
    {
        public IConformanceConnector Connector { get; } = Http1Connector.ForUri(host.EchoUri);

        public async ValueTask DisposeAsync()
        {
            await using (host) await host.StopAsync();
        }
    }

    /// <summary>A server that someone else started.</summary>
    private sealed class NamedServer(IConformanceConnector connector) : IConformanceTarget
    {
        public IConformanceConnector Connector => connector;

        public ValueTask DisposeAsync()
        {
            (Connector as IDisposable)?.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
