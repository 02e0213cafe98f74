using System.Text.Json;
using Broker.Identity.Tokens;
using Broker.Tests.EndToEnd.CommandLine;
using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd.Cluster;

/// <summary>What a cluster of three processes does, seen from outside.</summary>
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

    [Fact]
    public Task Every_message_is_on_every_node_in_one_order() => ExpectAsync("order", """{"complete":true,"oneOrder":true}""");

    [Fact]
    public Task Connections_of_all_nodes_get_one_order() => ExpectAsync("wire", """{"complete":true,"oneOrder":true}""");

    [Fact]
    public Task Server_calls_reach_clients_of_every_node() =>
        ExpectAsync("server", "\"subscribed\"", "\"unsubscribed\"", "\"disconnected\"");

    [Fact]
    public async Task A_revocation_ends_clients_on_all_nodes_and_is_remembered_by_nodes_that_join()
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        var variables = new Dictionary<string, string>
        {
            ["TOKEN"] = TokenWriter.WriteConnection(ClusterHosts.TokenSecret, "revoked", DateTimeOffset.UtcNow, null),
        };
        await using ClientScript client =
            ClientScript.Start(
                "node", "cluster.js", variables, ["revoked", .. hosts.Nodes.Select(static node => node.WebSocketUri.ToString())]);
        Assert.Equal("\"connected\"", await client.NextAsync(limit.Token));
        JsonElement answer = await ClusterHosts.AskAsync(hosts.Nodes[1], "block_user", new { user = "revoked" });
        Assert.False(answer.TryGetProperty("error", out _), answer.ToString());
        Assert.Equal("\"disconnected\"", await client.NextAsync(limit.Token));

        await using HostProcess fourth = await ClusterHosts.StartAsync(hosts.Nodes[2].ClusterAddress);
        await ClusterHosts.ExpectReadyAsync(fourth);
        await using ClientScript late = ClientScript.Start("node", "cluster.js", variables, ["refused", fourth.WebSocketUri.ToString()]);
        Assert.Equal("\"disconnected\"", await late.NextAsync(limit.Token));
    }

    [Fact]
    public Task A_client_that_changes_its_node_recovers_everything() => ExpectAsync("recovery", """{"all":true}""");

    [Fact]
    public Task Presence_is_the_same_on_every_node() =>
        ExpectAsync("presence", """{"counts":[3,3,3],"names":[3,3,3]}""", """{"after":2,"known":3}""");

    [Fact]
    public async Task The_page_shows_the_nodes_live_and_that_one_has_died()
    {
        using var limit = new CancellationTokenSource(3 * HostProcess.Patience);
        await using HostProcess fourth = await ClusterHosts.StartAsync(hosts.Nodes[0].ClusterAddress);
        await fourth.ExpectLogAsync("takes part in the cluster");
        string picture = Path.Combine(Directory.CreateDirectory(Path.Combine(ProjectFolder.Path, "TestResults")).FullName, "cluster.png");
        await using ClientScript browser =
            ClientScript.Start("node", "page-cluster.js", hosts.Nodes[0].HttpUri.ToString(), ClusterHosts.ApiKey, picture);
        Assert.Equal("{\"nodes\":4}", await browser.NextAsync(limit.Token));
        await fourth.CrashAsync();
        Assert.Equal("{\"nodes\":3,\"complaints\":[]}", await browser.NextAsync(limit.Token));
    }

    [Fact]
    public async Task After_a_crash_all_channels_without_history_work_again()
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        await using HostProcess fourth = await ClusterHosts.StartAsync(hosts.Nodes[0].ClusterAddress);
        await fourth.ExpectLogAsync("takes part in the cluster");
        foreach (HostProcess node in hosts.Nodes) await node.ExpectLogAsync($"Node {fourth.ClusterAddress}#");
        await using ClientScript client = ClientScript.Start("node", "cluster.js", "listen", hosts.Nodes[1].WebSocketUri.ToString());
        Assert.Equal("\"listening\"", await client.NextAsync(limit.Token));
        await PublishAsync("before");
        Assert.Equal("\"before\"", await client.NextAsync(limit.Token));

        await fourth.CrashAsync();
        Task<string> received = client.NextAsync(limit.Token);

        // What is published before a node listens to the new home does not reach it: without a history at most once is the promise.
        while (!received.IsCompleted) await PublishAsync("after");
        Assert.Equal("\"after\"", await received);
        await hosts.Nodes[0].ExpectLogAsync("is no member any more");

        // A publication whose home has died with it may have an unknown outcome: the one that wants to be sure repeats it.
        Task PublishAsync(string data) => Task.WhenAll(Enumerable.Range(0, 20).Select(async i =>
        {
            while ((await ClusterHosts.AskAsync(hosts.Nodes[0], "publish", new { channel = $"listen-{i}", data }))
                .TryGetProperty("error", out _)) limit.Token.ThrowIfCancellationRequested();
        }));
    }

    private async Task ExpectAsync(string scenario, params string[] observations)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        await using ClientScript client =
            ClientScript.Start(
            "node", "cluster.js", new Dictionary<string, string> { ["API_KEY"] = ClusterHosts.ApiKey },
            [scenario, .. hosts.Nodes.Select(static node => node.WebSocketUri.ToString())]);
        foreach (string expected in (string[])[.. observations, "\"done\""]) Assert.Equal(expected, await client.NextAsync(limit.Token));
    }

    private Task<(int Code, string Output, string Error)> RunAsync(params string[] words) =>
        BrokerProgram.RunAsync(
            url: null, input: null,
                ["cluster", .. words, "--api-url", hosts.Nodes[2].HttpUri.ToString(), "--api-key", ClusterHosts.ApiKey]);
}
