using System.Net;

namespace Broker.Tests.EndToEnd;

/// <summary>
/// Clients that others wrote, on one journey: connect, subscribe, publish and receive, unsubscribe and receive nothing,
/// subscribe again, see the host go with 3001, come back to it on the same port, subscribe and receive the new host.
/// </summary>
[Collection(EndToEndDefinition.Name)]
public sealed class ForeignClientsTests
{
    private const string Channel = "journey:room";

    private const string JavaScript = "the official client for JavaScript", Protobuf =
        "the official client for JavaScript in Protobuf", NodeWs = "ws for Node.js", Python = "websockets for Python", DotNet =
            "ClientWebSocket of .NET";

    private static readonly string[] s_untilRestart =
    [
        """{"saw":"connected"}""",
        """{"saw":"subscribed"}""",
        """{"saw":"received","data":"one"}""",
        """{"saw":"unsubscribed"}""",
        """{"saw":"subscribed"}""",
        """{"saw":"received","data":"three"}""",
    ];

    private static readonly string[] s_comingBack =
    [
        """{"saw":"connected"}""",
        """{"saw":"subscribed"}""",
    ];

    /// <summary>Every client by every way in that it has.</summary>
    public static TheoryData<string, WayIn> Journeys
    {
        get
        {
            var data = new TheoryData<string, WayIn>();
            foreach (WayIn way in (WayIn[])[WayIn.Reactor, WayIn.Kestrel, WayIn.Tls])
            {
                foreach (string name in (string[])[JavaScript, Protobuf, NodeWs, Python, DotNet]) data.Add(name, way);
            }

            data.Add(NodeWs, WayIn.Unix);
            data.Add(DotNet, WayIn.Http2);
            return data;
        }
    }

    [Theory, MemberData(nameof(Journeys))]
    public async Task A_client_subscribes_publishes_unsubscribes_and_comes_back_after_a_restart(string name, WayIn way)
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        using var entryPoints = new EntryPoints();
        await using HostProcess host = await HostProcess.StartAsync(entryPoints.SettingsFor(way));
        await using IForeignClient client = Start(name, host, entryPoints, way);
        await ExpectAsync(client, s_untilRestart, limit.Token);

        await host.StopAsync();
        await ExpectAsync(client, ["""{"saw":"disconnected","code":3001,"reason":"shutdown"}"""], limit.Token);
        await host.StartAgainAsync();
        await client.OnHostBackAsync();
        await ExpectAsync(client, s_comingBack, limit.Token);

        // Whichever way the client came, who is on the public port is in the same room.
        using LightClient other = await LightClient.ConnectAsync(host.Port, limit.Token);
        await other.CallAsync($"\"publish\":{{\"channel\":\"{Channel}\",\"data\":\"four\"}}", limit.Token);
        await ExpectAsync(client, ["""{"saw":"received","data":"four"}"""], limit.Token);
    }

    private static IForeignClient Start(string name, HostProcess host, EntryPoints entryPoints, WayIn way)
    {
        Uri uri = host.UriOf(way, "/connection/websocket");
        string address = way == WayIn.Unix ? $"ws+unix:{entryPoints.UnixSocket}:{uri.AbsolutePath}" : uri.ToString();
        return name switch
        {
            JavaScript => ClientScript.Start("node", "centrifuge.js", entryPoints.ClientEnvironment, address, Channel),
            Protobuf => ClientScript.Start(
                "node", "centrifuge.js", new Dictionary<string, string>(entryPoints.ClientEnvironment)
                    { ["FORM"] = "protobuf" }, address, Channel),
            NodeWs => ClientScript.Start("node", "ws.js", entryPoints.ClientEnvironment, address, Channel),
            Python => ClientScript.Start("/usr/bin/python3", "websockets_client.py", entryPoints.ClientEnvironment, address, Channel),
            DotNet => new DotNetClient(uri, Channel, way == WayIn.Http2 ? HttpVersion.Version20 : HttpVersion.Version11, entryPoints.Http),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such client"),
        };
    }

    private static async Task ExpectAsync(IForeignClient client, string[] observations, CancellationToken stop)
    {
        foreach (string expected in observations) Assert.Equal(expected, await client.NextAsync(stop));
    }
}
