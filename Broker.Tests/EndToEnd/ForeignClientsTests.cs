namespace Broker.Tests.EndToEnd;

/// <summary>
/// Clients that others wrote, on one journey: connect, subscribe, publish and receive, unsubscribe and hear nothing,
/// subscribe again, see the host go with 3001, come back to it on the same port, subscribe and hear the new host.
/// </summary>
[Collection(EndToEndDefinition.Name)]
public sealed class ForeignClientsTests
{
    private const string Channel = "journey:room";

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

    [Theory]
    [InlineData("the official client for JavaScript")]
    [InlineData("ws for Node.js")]
    [InlineData("websockets for Python")]
    [InlineData("ClientWebSocket of .NET")]
    public async Task A_client_subscribes_publishes_unsubscribes_and_comes_back_after_a_restart(string name)
    {
        using var limit = new CancellationTokenSource(2 * HostProcess.Patience);
        await using HostProcess host = await HostProcess.StartAsync();
        await using IForeignClient client = Start(name, host.WebSocketUri);
        await ExpectAsync(client, s_untilRestart, limit.Token);

        await host.StopAsync();
        await ExpectAsync(client, ["""{"saw":"disconnected","code":3001,"reason":"shutdown"}"""], limit.Token);
        await host.StartAgainAsync();
        await client.TellHostIsBackAsync();
        await ExpectAsync(client, s_comingBack, limit.Token);

        using LightClient other = await LightClient.ConnectAsync(host.Port, limit.Token);
        await other.CallAsync($"\"publish\":{{\"channel\":\"{Channel}\",\"data\":\"four\"}}", limit.Token);
        await ExpectAsync(client, ["""{"saw":"received","data":"four"}"""], limit.Token);
    }

    private static IForeignClient Start(string name, Uri uri) => name switch
    {
        "the official client for JavaScript" => ClientScript.Start("node", "centrifuge.js", uri.ToString(), Channel),
        "ws for Node.js" => ClientScript.Start("node", "ws.js", uri.ToString(), Channel),
        "websockets for Python" => ClientScript.Start("/usr/bin/python3", "websockets_client.py", uri.ToString(), Channel),
        "ClientWebSocket of .NET" => new DotNetClient(uri, Channel),
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "no such client"),
    };

    private static async Task ExpectAsync(IForeignClient client, string[] observations, CancellationToken stop)
    {
        foreach (string expected in observations) Assert.Equal(expected, await client.NextAsync(stop));
    }
}
