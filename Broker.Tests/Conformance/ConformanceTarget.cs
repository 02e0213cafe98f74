using Broker.Tests.Conformance.Wire;
using Broker.Tests.EndToEnd;

namespace Broker.Tests.Conformance;

/// <summary>A running server whose echo endpoint the cases are played against.</summary>
public interface IConformanceTarget : IAsyncDisposable
{
    /// <summary>By the name of each way in, what opens connections there.</summary>
    IReadOnlyDictionary<string, IConformanceConnector> Ways { get; }
}

/// <summary>What a server has to show in a case.</summary>
public enum Expectation
{
    /// <summary>It conforms; second-best behaviour will do.</summary>
    Conforms,

    /// <summary>It conforms, nothing about it is second-best, and the connection ends as it should.</summary>
    Strict,
}

/// <summary>The one place that says which server is tested.</summary>
public static class ConformanceTarget
{
    private const string UrlVariable = "BROKER_CONFORMANCE_URL";
    private const string UnixVariable = "BROKER_CONFORMANCE_UNIX";
    private const string Http2Variable = "BROKER_CONFORMANCE_HTTP2";

    private const string WaysVariable = "BROKER_CONFORMANCE_WAYS";
    private const string NamedWay = "named";

    private static string? Url => Read(UrlVariable);

    /// <summary>The ways in that are tested: every one of our own, those that are asked for, or the one of a named server.</summary>
    public static IReadOnlyList<string> Ways { get; } =
        Url is not null ? [NamedWay] : Read(WaysVariable) is { } asked ? asked.Split(',', StringSplitOptions.TrimEntries)
            : Enum.GetNames<WayIn>();

    /// <summary>What the server of this run has to show: a named one conforms, our own does so strictly.</summary>
    public static Expectation Expectation => Url is null ? Expectation.Strict : Expectation.Conforms;

    /// <summary>Finds the server that is named, or starts our own: the real host with its echo endpoint.</summary>
    public static async Task<IConformanceTarget> StartAsync() =>
        Url is { } url ? new NamedServer(ConnectorFor(new Uri(url))) : await OwnHost.StartAsync([.. Ways.Select(Enum.Parse<WayIn>)]);

    private static IConformanceConnector ConnectorFor(Uri endpoint)
    {
        if (Read(Http2Variable) == "1") return new Http2Connector(endpoint);
        return Read(UnixVariable) is { } path ? Http1Connector.ForUnixSocket(path, endpoint) : Http1Connector.ForUri(endpoint);
    }

    private static string? Read(string variable) => Environment.GetEnvironmentVariable(variable) is { Length: > 0 } value ? value : null;

    /// <summary>
    /// The host that was built with these tests, twice: its public port belongs to the reactor in one process and to Kestrel in
    /// the other. After all cases both still end gracefully.
    /// </summary>
    private sealed class OwnHost(EntryPoints entryPoints, HostProcess[] hosts, IReadOnlyDictionary<string, IConformanceConnector> ways)
        : IConformanceTarget
    {
        private const string EchoPath = "/echo";

        public IReadOnlyDictionary<string, IConformanceConnector> Ways => ways;

        public static async Task<OwnHost> StartAsync(IReadOnlyList<WayIn> ways)
        {
            var entryPoints = new EntryPoints();
            HostProcess main = await HostProcess.StartAsync(SettingsOf("auto", entryPoints.Settings), "--echo");
            HostProcess kestrel = await HostProcess.StartAsync(SettingsOf("kestrel", []), "--echo");
            return new OwnHost(entryPoints, [main, kestrel], ways.ToDictionary(way => way.ToString(), way => ConnectorTo(way)));

            IConformanceConnector ConnectorTo(WayIn way) => way switch
            {
                WayIn.Kestrel => Http1Connector.ForUri(kestrel.UriOf(way, EchoPath)),
                WayIn.Http2 => new Http2Connector(new UriBuilder(main.UriOf(way, EchoPath)) { Scheme = Uri.UriSchemeHttps }.Uri),
                WayIn.Unix => Http1Connector.ForUnixSocket(entryPoints.UnixSocket, main.UriOf(way, EchoPath)),
                _ => Http1Connector.ForUri(main.UriOf(way, EchoPath)),
            };
        }

        // Groups 12 and 13 are about permessage-deflate, which is off unless it is asked for.
        private static Dictionary<string, string> SettingsOf(string transport, Dictionary<string, string> more) =>
            new(more) { ["BROKER_TRANSPORT"] = transport, ["BROKER_COMPRESSION_ENABLED"] = "on" };

        public async ValueTask DisposeAsync()
        {
            foreach (IDisposable connector in ways.Values.OfType<IDisposable>()) connector.Dispose();
            foreach (HostProcess host in hosts)
            {
                await using (host) await host.StopAsync();
            }

            entryPoints.Dispose();
        }
    }

    /// <summary>A server that someone else started.</summary>
    private sealed class NamedServer(IConformanceConnector connector) : IConformanceTarget
    {
        public IReadOnlyDictionary<string, IConformanceConnector> Ways { get; } =
            new Dictionary<string, IConformanceConnector> { [NamedWay] = connector };

        public ValueTask DisposeAsync()
        {
            (connector as IDisposable)?.Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
