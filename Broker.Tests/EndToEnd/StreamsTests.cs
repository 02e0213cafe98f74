namespace Broker.Tests.EndToEnd;

/// <summary>The official client for JavaScript over HTTP, on the port of the reactor.</summary>
/// <param name="host">The host.</param>
public sealed class StreamsTests(ChannelsHost host) : IClassFixture<ChannelsHost>
{
    private static readonly (string Name, string[] Observations)[] s_scenarios =
    [
        ("cut", ["""{"wasRecovering":true,"recovered":true,"received":["before","a","b","c","live"]}"""]),
        ("recovered", ["""{"wasRecovering":true,"recovered":true,"received":[0,1,2,3,"live"]}"""]),
        ("lost", ["""{"wasRecovering":true,"recovered":false,"received":[0,"live"]}"""]),
        ("presence", ["""{"before":1,"clients":2,"numClients":2,"numUsers":1,"after":1}""", """{"off":108,"stranger":103}"""]),
        ("joins", ["""{"seen":["own join","join","leave"]}"""]),
        ("delta", ["""{"equal":true,"small":true}""", """{"recovered":true,"equal":true}"""]),
        ("filter", ["""{"offsets":[1,2,3,4],"all":[1,2,3,4],"some":[2,4]}"""]),
        ("refused", ["""{"nowhere:x":102,"digits:abc":107,"closed:x":103,"publish":103,"large":106}"""]),
    ];

    [Theory, InlineData("http_stream", "json"), InlineData("http_stream", "protobuf"), InlineData("sse", "json")]
    public async Task The_official_client_has_all_that_it_has_over_WebSocket(string transport, string form)
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        var environment = new Dictionary<string, string> { ["FORM"] = form, ["TRANSPORT"] = transport, ["ROOM"] = $"-{transport}-{form}" };
        await using ClientScript client =
            ClientScript.Start(
                "node", "channels.js", environment,
                    [host.Process.WebSocketUri.ToString(), .. s_scenarios.Select(static each => each.Name)]);

        foreach ((string name, string[] observations) in s_scenarios)
        {
            foreach (string expected in (string[])[.. observations, "\"done\""])
                Assert.Equal($"{name}: {expected}", $"{name}: {await client.NextAsync(limit.Token)}");
        }
    }

    [Fact]
    public async Task The_first_transport_that_answers_is_taken()
    {
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        await using ClientScript client = ClientScript.Start("node", "channels.js", host.Process.WebSocketUri.ToString(), "fallback");

        Assert.Equal("""{"transport":"sse","received":["hello"]}""", await client.NextAsync(limit.Token));
    }

    [Fact]
    public async Task A_browser_connects_from_our_page_and_from_no_other()
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        await using ClientScript browser = ClientScript.Start("node", "page-streams.js", host.Process.HttpUri.ToString());

        foreach (string expected in (string[])[
            """{"transport":"http_stream","received":["hello"]}""",
            """{"transport":"sse","received":["hello"]}""",
            """{"pushes":["connect","pub"]}""",
            """{"foreign":{"http_stream":403,"emulation":403,"image":403,"sse":"closed"}}""",
        ]) Assert.Equal(expected, await browser.NextAsync(limit.Token));
    }
}
