using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd.Cluster;

/// <summary>Each of three nodes is stopped by SIGTERM and comes back, while official clients publish and listen.</summary>
[Collection(EndToEndDefinition.Name)]
public sealed class RollingRestartTests
{
    private const string Settings = """
        broker.namespaces.rolling { history { size = 10000, ttl = 10m }, recovery = on }
        """;

    private static readonly Dictionary<string, string> s_variables = new(ClusterHosts.Variables) { ["BROKER_CLUSTER_DRAIN_RATE"] = "20" };

    [Fact]
    public async Task A_rolling_restart_loses_nothing_and_fails_no_publication()
    {
        using var limit = new CancellationTokenSource(5 * HostProcess.Patience);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("broker-rolling-");
        List<HostProcess> nodes = [];
        await using var balancer = new TcpBalancer();
        try
        {
            string config = Path.Combine(folder.FullName, "broker.conf");
            await File.WriteAllTextAsync(config, Settings, limit.Token);
            nodes.Add(await StartAsync(config));
            nodes.Add(await StartAsync(config, nodes[0].ClusterAddress));
            nodes.Add(await StartAsync(config, nodes[0].ClusterAddress));
            foreach (HostProcess node in nodes) await ClusterHosts.ExpectReadyAsync(node);
            SetBackends();
            await using ClientScript clients =
                ClientScript.Start("node", "cluster.js", "rolling", $"ws://127.0.0.1:{balancer.Port}/connection/websocket");
            Assert.Equal("\"publishing\"", await clients.NextAsync(limit.Token));

            for (int i = 0; i < 3; i++)
            {
                HostProcess stopped = nodes[0];
                stopped.SendTerminate();
                await stopped.ExpectGracefulEndAsync(3 * HostProcess.Patience);
                Assert.Contains("partitions are with other nodes", stopped.Log, StringComparison.Ordinal);
                nodes.RemoveAt(0);
                await stopped.DisposeAsync();
                nodes.Add(await StartAsync(config, [.. nodes.Select(static node => node.ClusterAddress)]));
                await ClusterHosts.ExpectReadyAsync(nodes[^1]);
                SetBackends();
            }

            await clients.OnHostBackAsync();
            Assert.Equal("""{"lost":0,"repeated":0,"unrecovered":0,"errors":[]}""", await clients.NextAsync(limit.Token));
        }
        finally
        {
            foreach (HostProcess node in nodes) await node.DisposeAsync();
            folder.Delete(recursive: true);
        }

        void SetBackends() => balancer.SetBackends([.. nodes.Select(static node => node.Port)]);
    }

    private static Task<HostProcess> StartAsync(string config, params string[] seeds) =>
        HostProcess.StartAsync(
            s_variables, ["--config", config, "--cluster", "127.0.0.1:0", .. seeds.SelectMany(static seed => (string[])["--seed", seed])]);
}
