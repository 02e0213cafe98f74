using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd;

/// <summary>The official client for JavaScript on channels that keep something.</summary>
/// <param name="host">The host.</param>
/// <param name="form">What the client uses: json or protobuf.</param>
public abstract class ChannelsTests(ChannelsHost host, string form) : IClassFixture<ChannelsHost>
{
    [Fact]
    public Task A_client_disconnected_for_a_second_misses_nothing() => ExpectAsync(
        "cut", """{"wasRecovering":true,"recovered":true,"received":["before","a","b","c","live"]}""");

    [Fact]
    public Task A_client_that_comes_back_is_given_what_it_missed() => ExpectAsync(
        "recovered", """{"wasRecovering":true,"recovered":true,"received":[0,1,2,3,"live"]}""");

    [Fact]
    public Task A_client_behind_the_history_is_not_recovered() => ExpectAsync(
        "lost", """{"wasRecovering":true,"recovered":false,"received":[0,"live"]}""");

    [Fact]
    public Task A_retained_publication_comes_with_the_subscription() => ExpectAsync("cache", """{"received":["new"]}""");

    [Fact]
    public Task History_is_read_in_pages_both_ways() => ExpectAsync(
        "history",
        """{"offset":5,"pages":[[],[1,2,3,4,5],[1,2],[3,4,5],[5,4],[2,1]]}""",
        """{"foreign":112,"reverseFromZero":107,"off":108,"unknown":102}""");

    [Fact]
    public Task Presence_follows_clients_as_they_come_and_go() => ExpectAsync(
        "presence",
        """{"before":1,"clients":2,"numClients":2,"numUsers":1,"after":1}""",
        """{"off":108,"stranger":103}""");

    [Fact]
    public Task Joins_and_leaves_are_sent() => ExpectAsync("joins", """{"seen":["own join","join","leave"]}""");

    [Fact]
    public Task Deltas_are_small_and_give_the_same_data() => ExpectAsync(
        "delta",
        """{"equal":true,"small":true}""",
        """{"recovered":true,"equal":true}""");

    [Fact]
    public Task A_filter_passes_what_the_server_tagged() => ExpectAsync("filter", """{"offsets":[1,2,3,4],"all":[1,2,3,4],"some":[2,4]}""");

    [Fact]
    public Task What_a_namespace_does_not_allow_has_its_error() => ExpectAsync(
        "refused", """{"nowhere:x":102,"digits:abc":107,"closed:x":103,"publish":103,"large":106}""");

    private async Task ExpectAsync(string scenario, params string[] observations)
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        await using ClientScript client =
            ClientScript.Start(
                "node", "channels.js", new Dictionary<string, string> { ["FORM"] = form }, host.Process.WebSocketUri.ToString(), scenario);
        foreach (string expected in (string[])[.. observations, "\"done\""]) Assert.Equal(expected, await client.NextAsync(limit.Token));
    }
}

/// <summary>In JSON.</summary>
public sealed class JsonChannelsTests(ChannelsHost host) : ChannelsTests(host, "json");

/// <summary>In Protobuf, and where both forms meet.</summary>
public sealed class ProtobufChannelsTests(ChannelsHost host) : ChannelsTests(host, "protobuf")
{
    private readonly ChannelsHost _host = host;

    [Fact]
    public async Task Clients_of_both_forms_share_a_channel()
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        await using ClientScript client = ClientScript.Start("node", "forms.js", _host.Process.WebSocketUri.ToString());

        foreach (string expected in (string[])[
            """{"json":["AAH/",{"n":1},{"n":2}],"encoding":"base64"}""",
            """{"binary":["0001ff","7b226e223a317d","7b226e223a327d"]}""",
            """{"history":["0001ff","7b226e223a317d","7b226e223a327d"],"presence":2}""",
            """{"recovered":true,"missed":["7b226e223a337d"]}""",
        ]) Assert.Equal(expected, await client.NextAsync(limit.Token));
    }
}

/// <summary>A host with namespaces.</summary>
public sealed class ChannelsHost : IAsyncLifetime
{
    private const string Settings = """
        broker.api.keys = ["test-key"]
        broker.centrifuge { http-stream.enabled = on, sse.enabled = on, uni-http-stream.enabled = on, uni-sse.enabled = on, uni-websocket.enabled = on }
        broker.namespaces {
          kept { history { size = 100, ttl = 5m }, recovery = on }
          small { history { size = 2, ttl = 5m }, recovery = on }
          cache { history { size = 1, ttl = 5m }, recovery = on, recovery-mode = cache, retained = on }
          here { presence = on, join-leave = on }
          diff { history { size = 100, ttl = 5m }, recovery = on, delta = fossil }
          digits { pattern = "[0-9]+", message-bytes-max = 1KiB }
          mixed { history { size = 100, ttl = 5m }, recovery = on, presence = on }
          ticks { history { size = 10, ttl = 5m }, recovery = on, tags-filter = on }
          closed { subscribe = none }
          readonly { publish = none }
        }
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("broker-channels-");
    private HostProcess? _process;

    /// <summary>The running host.</summary>
    internal HostProcess Process => _process!;

    /// <inheritdoc/>
    public async Task InitializeAsync()
    {
        string config = Path.Combine(_folder.FullName, "broker.conf");
        await File.WriteAllTextAsync(config, Settings);
        _process = await HostProcess.StartAsync(environment: null, "--config", config);
    }

    /// <inheritdoc/>
    public async Task DisposeAsync()
    {
        if (_process is not null)
        {
            await using (_process) await _process.StopAsync();
        }

        _folder.Delete(recursive: true);
    }
}
