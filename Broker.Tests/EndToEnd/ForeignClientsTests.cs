using System.Net;

namespace Broker.Tests.EndToEnd;

/// <summary>
/// Clients that others wrote, on one journey: connect, subscribe, publish and receive, unsubscribe and receive nothing,
/// subscribe again, see the host go with 3001, come back to it on the same port, subscribe and receive the new host.
/// </summary>
public sealed class ForeignClientsTests
{
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

    /// <summary>The clients that each way in has.</summary>
    public static TheoryData<WayIn, string[]> Journeys => new()
    {
        { WayIn.Reactor, [JavaScript, Protobuf, NodeWs, Python, DotNet] },
        { WayIn.Kestrel, [JavaScript, Protobuf, NodeWs, Python, DotNet] },
        { WayIn.Tls, [JavaScript, Protobuf, NodeWs, Python, DotNet] },
        { WayIn.Unix, [NodeWs] },
        { WayIn.Http2, [DotNet] },
    };

    /// <summary>The clients of one way in make their journeys beside each other, each in a channel of its own.</summary>
    [Theory, MemberData(nameof(Journeys))]
    public async Task Clients_subscribe_publish_unsubscribe_and_come_back_after_a_restart(WayIn way, string[] names)
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        using var entryPoints = new EntryPoints();
        await using HostProcess host = await HostProcess.StartAsync(entryPoints.SettingsFor(way));
        var clients = new List<Traveller>();
        try
        {
            foreach (string name in names) clients.Add(new Traveller(name, Start(name, host, entryPoints, way)));
            foreach (Traveller client in clients) await client.ExpectAsync(s_untilRestart, limit.Token);

            await host.StopAsync();
            foreach (Traveller client in clients)
                await client.ExpectAsync(["""{"saw":"disconnected","code":3001,"reason":"shutdown"}"""], limit.Token);
            await host.StartAgainAsync();
            foreach (Traveller client in clients) await client.Client.OnHostBackAsync();
            foreach (Traveller client in clients) await client.ExpectAsync(s_comingBack, limit.Token);

            // Whichever way the client came, who is on the public port is in the same room.
            using LightClient other = await LightClient.ConnectAsync(host.Port, limit.Token);
            foreach (string name in names)
                await other.CallAsync($"\"publish\":{{\"channel\":\"{ChannelOf(name)}\",\"data\":\"four\"}}", limit.Token);
            foreach (Traveller client in clients) await client.ExpectAsync(["""{"saw":"received","data":"four"}"""], limit.Token);
        }
        finally
        {
            foreach (Traveller client in clients) await client.Client.DisposeAsync();
        }
    }

    private static string ChannelOf(string name) => $"journey:{name.Replace(' ', '-')}";

    private static IForeignClient Start(string name, HostProcess host, EntryPoints entryPoints, WayIn way)
    {
        Uri uri = host.UriOf(way, "/connection/websocket");
        string channel = ChannelOf(name);
        string address = way == WayIn.Unix ? $"ws+unix:{entryPoints.UnixSocket}:{uri.AbsolutePath}" : uri.ToString();
        return name switch
        {
            JavaScript => ClientScript.Start("node", "centrifuge.js", entryPoints.ClientEnvironment, address, channel),
            Protobuf => ClientScript.Start(
                "node", "centrifuge.js", new Dictionary<string, string>(entryPoints.ClientEnvironment)
                    { ["FORM"] = "protobuf" }, address, channel),
            NodeWs => ClientScript.Start("node", "ws.js", entryPoints.ClientEnvironment, address, channel),
            Python => ClientScript.Start("/usr/bin/python3", "websockets_client.py", entryPoints.ClientEnvironment, address, channel),
            DotNet => new DotNetClient(uri, channel, way == WayIn.Http2 ? HttpVersion.Version20 : HttpVersion.Version11, entryPoints.Http),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such client"),
        };
    }

    private sealed record Traveller(string Name, IForeignClient Client)
    {
        public async Task ExpectAsync(string[] observations, CancellationToken stop)
        {
            foreach (string expected in observations) Assert.Equal($"{Name}: {expected}", $"{Name}: {await Client.NextAsync(stop)}");
        }
    }
}
