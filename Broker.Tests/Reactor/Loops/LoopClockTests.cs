using System.Net;
using System.Net.Sockets;
using Broker.Core.Upgrade;
using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Reactor.Loops;

/// <summary>What a sleep brings is served at the time of the waking.</summary>
public sealed class LoopClockTests
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_connection_after_a_long_idle_period_has_its_whole_handshake_limit()
    {
        var time = new FakeTimeProvider();
        var acceptor = new RecordingGate();
        using var loop = ReactorFactory.Create(0, new ReactorSettings(), acceptor, time);
        ListeningSocket listener = ListeningSocket.OpenAll(new IPEndPoint(IPAddress.Loopback, 0), count: 1, backlog: 16)[0];
        loop.Listen(listener);
        Task turn = Task.Factory.StartNew(
            () => loop.RunOnce(-1), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.True(SpinWait.SpinUntil(() => loop.IsAsleep, s_limit));

        time.Advance(TimeSpan.FromHours(1));
        using var client = new TcpClient();
        await client.ConnectAsync(listener.EndPoint);
        await turn.WaitAsync(s_limit);

        Assert.Equal(1, loop.Connections);
        Assert.Empty(acceptor.Causes);
    }

    private sealed class RecordingGate : IConnectionAcceptor
    {
        public List<ClosureCause> Causes { get; } = [];

        public WebSocketEndpoint? Find(UpgradeRequest request) => null;

        public bool MayOpen(out TimeSpan retryAfter)
        {
            retryAfter = TimeSpan.Zero;
            return true;
        }

        public bool TryHandOver(Func<HandedOver> take) => false;

        public void Opened(Connection connection, UpgradeRequest request) { }

        public void Ended(Connection connection, Closure closure) => Causes.Add(closure.Cause);
    }
}
