using System.Text.Json;
using Broker.Tests.EndToEnd.CommandLine;

namespace Broker.Tests.EndToEnd.Cluster;

/// <summary>What a cluster of three processes does, seen from outside.</summary>
[Collection(EndToEndDefinition.Name)]
public sealed class ClusterTests(ClusterHosts hosts) : IClassFixture<ClusterHosts>
{
    [Fact]
    public async Task Every_node_is_ready_and_knows_the_others()
    {
        foreach (HostProcess node in hosts.Nodes)
        {
            Assert.StartsWith("200", await ClusterHosts.ReadyAsync(node), StringComparison.Ordinal);
            JsonElement status = (await ClusterHosts.AskAsync(node, "cluster_status", new { })).GetProperty("result");
            Assert.Equal("up", status.GetProperty("phase").GetString());
            foreach (HostProcess each in hosts.Nodes)
            {
                Assert.Contains(
                    status.GetProperty("nodes").EnumerateArray(), member =>
                        member.GetProperty("address").GetString() == each.ClusterAddress && member.GetProperty("reachable").GetBoolean());
            }
        }
    }

    [Fact]
    public async Task A_node_with_another_secret_is_not_ready_and_reports_the_reason()
    {
        var variables = new Dictionary<string, string>(ClusterHosts.Variables) { ["BROKER_CLUSTER_SECRET"] = "quite-another-secret" };
        await using HostProcess stranger = await ClusterHosts.StartAsync(variables, hosts.Nodes[0].ClusterAddress);
        await stranger.ExpectLogAsync("do not have the same secret");
        await hosts.Nodes[0].ExpectLogAsync("do not have the same secret");
        string ready = await ClusterHosts.ReadyAsync(stranger);
        Assert.StartsWith("503", ready, StringComparison.Ordinal);
        Assert.Contains("joining", ready, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_joins_shows_up_in_the_command_and_leaves()
    {
        await using HostProcess fourth = await ClusterHosts.StartAsync(hosts.Nodes[1].ClusterAddress);
        await fourth.ExpectLogAsync("takes part in the cluster");
        await hosts.Nodes[2].ExpectLogAsync($"Node {fourth.ClusterAddress}#");

        (int code, string output, _) = await RunAsync("status");
        Assert.Equal(0, code);
        Assert.Contains($"{fourth.ClusterAddress}\tup\treached", output, StringComparison.Ordinal);

        (code, output, _) = await RunAsync("leave", fourth.ClusterAddress);
        Assert.Equal((0, "asked\n"), (code, output));
        await fourth.ExpectGracefulEndAsync(HostProcess.Patience);

        (code, _, string error) = await RunAsync("down", "127.0.0.1:1");
        Assert.Equal(1, code);
        Assert.Contains("no member of the cluster has the address 127.0.0.1:1", error, StringComparison.Ordinal);
    }

    private Task<(int Code, string Output, string Error)> RunAsync(params string[] words) =>
        BrokerProgram.RunAsync(
            url: null, input: null,
                ["cluster", .. words, "--api-url", hosts.Nodes[2].HttpUri.ToString(), "--api-key", ClusterHosts.ApiKey]);
}
