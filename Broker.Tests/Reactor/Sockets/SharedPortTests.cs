using System.Net;
using System.Net.Sockets;
using Broker.Reactor.Sockets;
using Broker.Tests.Support;

namespace Broker.Tests.Reactor.Sockets;

public class SharedPortTests
{
    [Fact]
    public async Task Of_two_that_start_in_the_same_moment_one_gets_the_port()
    {
        for (int round = 0; round < 100; round++)
        {
            int port = FreePorts.Take();
            using var together = new Barrier(2);
            Task<IReadOnlyList<ListeningSocket>?>[] starts = [.. Enumerable.Range(0, 2).Select(_ => Task.Factory.StartNew(
                () => TryOpen(port, together), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default))];

            IReadOnlyList<ListeningSocket>?[] opened = await Task.WhenAll(starts);

            if (opened.All(each => each is null)) continue;     // A third took the port meanwhile.
            IReadOnlyList<ListeningSocket> one = Assert.Single(opened, each => each is not null)!;
            Assert.Equal(3, one.Count);
            Assert.All(one, each => Assert.Equal(port, each.EndPoint.Port));
            foreach (ListeningSocket each in one) each.Close();
        }
    }

    [Fact]
    public async Task Every_loop_gets_clients_of_the_shared_port()
    {
        IReadOnlyList<ListeningSocket> sockets = ListeningSocket.OpenAll(new IPEndPoint(IPAddress.Loopback, 0), 2, backlog: 512);
        List<Socket> clients = [];
        try
        {
            for (int i = 0; i < 64; i++)
            {
                var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                clients.Add(client);
                await client.ConnectAsync(sockets[0].EndPoint);
            }

            Assert.All(sockets, each =>
            {
                using var listener = new Socket(new SafeSocketHandle(each.Descriptor, ownsHandle: false));
                Assert.True(listener.Poll(0, SelectMode.SelectRead), "The kernel gave this listener no client.");
            });
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
            foreach (ListeningSocket each in sockets) each.Close();
        }
    }

    private static IReadOnlyList<ListeningSocket>? TryOpen(int port, Barrier together)
    {
        together.SignalAndWait();
        try
        {
            return ListeningSocket.OpenAll(new IPEndPoint(IPAddress.Loopback, port), 3, backlog: 16);
        }
        catch (SocketException taken) when (taken.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return null;
        }
    }
}
