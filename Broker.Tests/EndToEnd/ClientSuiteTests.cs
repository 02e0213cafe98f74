using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd;

/// <summary>
/// The configuration with which centrifuge-js's own tests are run by hand, as docs/CENTRIFUGE.md describes: the hub starts with it, and
/// answers what those tests ask beyond <see cref="ChannelsTests"/>.
/// </summary>
public sealed class ClientSuiteTests
{
    [Fact]
    public async Task The_configuration_of_the_clients_own_tests_answers_them()
    {
        string config = Path.Combine(Path.GetDirectoryName(ProjectFolder.Path)!, "samples", "centrifuge-js", "broker.conf");
        using var limit = new CancellationTokenSource(HostProcess.Patience);
        await using HostProcess host = await HostProcess.StartAsync(environment: null, "--config", config);
        await using ClientScript client = ClientScript.Start("node", "channels.js", host.WebSocketUri.ToString(), "own");

        Assert.Equal("""{"rpc":108,"counts":[1,0]}""", await client.NextAsync(limit.Token));
        Assert.Equal("\"done\"", await client.NextAsync(limit.Token));
    }
}
