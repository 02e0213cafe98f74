using System.Net;
using System.Net.Sockets;
using System.Text;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Tests.Reactor.Loops;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Reactor.Sockets;

public sealed class ReactorClockTests
{
    [Fact]
    public async Task A_client_that_ends_a_long_sleep_has_its_whole_time_for_the_handshake()
    {
        if (!SocketReactor.IsSupported) return;
        var time = new FakeTimeProvider();
        using var loop = ReactorFactory.Create(0, new ReactorSettings(), new NoAcceptor(), time);
        ListeningSocket listener = ListeningSocket.OpenAll(new IPEndPoint(IPAddress.Loopback, 0), 1, 16)[0];
        loop.Listen(listener);
        var thread = new Thread(loop.Run) { IsBackground = true };
        thread.Start();
        while (!loop.IsAsleep) Thread.Yield();

        time.Advance(TimeSpan.FromMinutes(1));
        using var client = new TcpClient();
        await client.ConnectAsync(listener.EndPoint);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        byte[] answer = new byte[12];
        Task reading = client.GetStream().ReadExactlyAsync(answer, limit.Token).AsTask();
        while (loop.Connections == 0 || !loop.IsAsleep) Thread.Yield();
        await client.GetStream().WriteAsync("GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8.ToArray(), limit.Token);
        await reading;
        loop.Stop();
        thread.Join();

        Assert.Equal("HTTP/1.1 404", Encoding.ASCII.GetString(answer));
    }
}
