using System.Net;
using System.Net.Sockets;
using Broker.Cluster.Links;
using Microsoft.Extensions.Logging.Abstractions;

namespace Broker.Tests.Cluster;

/// <summary>The port between nodes, and strangers that keep it busy.</summary>
public sealed class NodePortTests
{
    private const int Strangers = 300;          // More than may be in their handshake.

    [Fact]
    public async Task Silent_strangers_keep_no_node_out()
    {
        if (!NodePort.IsSupported) return;
        var agreement = new LinkAgreement("broker", "a secret of some length", []);
        using var asked = new NodePort(agreement, TimeProvider.System, NullLogger.Instance);
        using var node = new NodePort(agreement, TimeProvider.System, NullLogger.Instance);
        foreach (NodePort port in (NodePort[])[asked, node]) port.Start(new IPEndPoint(IPAddress.Loopback, 0), "127.0.0.1");
        var strangers = new List<Socket>();
        try
        {
            IPEndPoint target = IPEndPoint.Parse(asked.Address);
            for (int i = 0; i < Strangers; i++)
            {
                strangers.Add(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
                await strangers[i].ConnectAsync(target);
            }

            DialOutcome outcome = await node.DialAsync(asked.Address, LinkPurpose.Probe);

            Assert.Null(outcome.Error);
            Assert.NotNull(outcome.Peer);
        }
        finally
        {
            foreach (Socket stranger in strangers) stranger.Dispose();
        }
    }
}
