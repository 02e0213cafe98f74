using System.Net.Http.Json;
using System.Text.Json;

namespace Broker.Tests.EndToEnd.Cluster;

/// <summary>Three hosts on loopback that are one cluster.</summary>
public sealed class ClusterHosts : IAsyncLifetime
{
    internal const string ApiKey = "key-of-the-cluster-tests";

    internal const string TokenSecret = "a secret of the cluster tests for tokens";

    internal static readonly Dictionary<string, string> Variables = new()
    {
        ["BROKER_TOKENS_HMAC_SECRET"] = TokenSecret,
        ["BROKER_API_KEYS"] = ApiKey,
        ["BROKER_CLUSTER_SECRET"] = "secret-of-the-cluster-tests",
        ["BROKER_CLUSTER_MEMBERS_MIN"] = "2",
        ["BROKER_CLUSTER_SPLIT_BRAIN_STABLE_AFTER"] = "1s",
        ["BROKER_CLUSTER_ACCEPTABLE_PAUSE"] = "10s",       // Of a node that gets no processor on a busy machine.
    };

    private const string Settings = """
        broker.namespaces {
          kept { history { size = 100, ttl = 5m }, recovery = on }
          here { presence = on, join-leave = on }
        }
        """;

    private static readonly DirectoryInfo s_folder = Directory.CreateTempSubdirectory("broker-cluster-");

    private readonly List<HostProcess> _nodes = [];

    internal IReadOnlyList<HostProcess> Nodes => _nodes;

    /// <inheritdoc />
    public async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(Config, Settings);
        _nodes.Add(await StartAsync());
        _nodes.AddRange(await Task.WhenAll(StartAsync(_nodes[0].ClusterAddress), StartAsync(_nodes[0].ClusterAddress)));
        foreach (HostProcess node in _nodes)
        {
            foreach (HostProcess other in _nodes.Where(other => other != node)) await node.ExpectLogAsync($"Node {other.ClusterAddress}#");
            await node.ExpectLogAsync("takes part in the cluster");
            await ExpectReadyAsync(node);
        }
    }

    private static string Config => Path.Combine(s_folder.FullName, "broker.conf");

    internal static Task<HostProcess> StartAsync(params string[] seeds) => StartAsync(Variables, seeds);

    internal static Task<HostProcess> StartAsync(IReadOnlyDictionary<string, string> variables, params string[] seeds) =>
        HostProcess.StartAsync(
            variables, ["--config", Config, "--cluster", "127.0.0.1:0", .. seeds.SelectMany(static seed => (string[])["--seed", seed])]);

    /// <summary>Asks the server API of a node.</summary>
    internal static async Task<JsonElement> AskAsync(HostProcess node, string method, object request)
    {
        using var http = new HttpClient { Timeout = HostProcess.Patience };
        http.DefaultRequestHeaders.Add("X-API-Key", ApiKey);
        using HttpResponseMessage response = await http.PostAsJsonAsync(new Uri(node.HttpUri, $"api/{method}"), request);
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    internal static async Task<string> ReadyAsync(HostProcess node)
    {
        using var http = new HttpClient { Timeout = HostProcess.Patience };
        using HttpResponseMessage response = await http.GetAsync(new Uri(node.HttpUri, "ready"));
        return $"{(int)response.StatusCode} {await response.Content.ReadAsStringAsync()}";
    }

    /// <summary>Waits until a node takes part and knows the homes of all channels.</summary>
    internal static async Task ExpectReadyAsync(HostProcess node)
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        for (string ready = ""; !ready.StartsWith("200", StringComparison.Ordinal); ready = await ReadyAsync(node))
            Assert.False(limit.IsCancellationRequested, $"The node is not ready: {ready}\n{node.Log}");
    }

    /// <inheritdoc />
    public async Task DisposeAsync()
    {
        foreach (HostProcess node in _nodes) await node.DisposeAsync();
        s_folder.Delete(recursive: true);
    }
}
