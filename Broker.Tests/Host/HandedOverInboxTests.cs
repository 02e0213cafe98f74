using System.Net;
using System.Net.Sockets;
using Broker.Host.Http;
using Broker.Reactor.Loops;

namespace Broker.Tests.Host;

public sealed class HandedOverInboxTests : IDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly List<TcpClient> _clients = [];

    public HandedOverInboxTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
    }

    public void Dispose()
    {
        _clients.ForEach(client => client.Dispose());
        _listener.Dispose();
    }

    [Fact]
    public async Task A_full_inbox_closes_what_comes_and_keeps_what_it_has()
    {
        var inbox = new HandedOverInbox(connectionsMax: 1);
        (RawSocket kept, HandedOver first) = Connect();
        (RawSocket closed, HandedOver second) = Connect();

        inbox.Give(first);
        inbox.Give(second);

        closed.ExpectClosed();
        Assert.True(kept.IsOpen);
        Assert.Same(first, await inbox.TakeAsync(CancellationToken.None));
        HandedOverInbox.Close(first);
    }

    [Fact]
    public async Task An_ended_inbox_closes_pending_and_later_connections()
    {
        var inbox = new HandedOverInbox(connectionsMax: 4);
        (RawSocket waiting, HandedOver first) = Connect();
        (RawSocket late, HandedOver second) = Connect();

        inbox.Give(first);
        inbox.End();
        inbox.Give(second);

        waiting.ExpectClosed();
        late.ExpectClosed();
        Assert.Null(await inbox.TakeAsync(CancellationToken.None));
    }

    private (RawSocket Server, HandedOver Connection) Connect()
    {
        var client = new TcpClient();
        _clients.Add(client);
        client.Connect((IPEndPoint)_listener.LocalEndPoint!);
        RawSocket server = RawSocket.Accept(_listener);
        var here = (IPEndPoint)_listener.LocalEndPoint!;
        return (server, new HandedOver(server.Descriptor, default, (IPEndPoint)client.Client.LocalEndPoint!, here));
    }
}
