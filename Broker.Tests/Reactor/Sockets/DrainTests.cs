using System.Net;
using System.Net.Sockets;
using Broker.Core.Framing;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Reactor.Sockets;

public abstract class DrainTests(ReactorBackend backend) : BackendTest(backend)
{
    [Fact]
    public void A_drain_is_done_when_the_last_connection_is_gone()
    {
        using var harness = NewHarness();
        (LoopClient one, _) = harness.Open();
        (LoopClient two, _) = harness.Open();
        LoopClient three = harness.Connect();
        three.Write(LoopClient.Request().AsSpan(0, 30));
        harness.Settle();

        Task drained = harness.Loop.DrainAsync();
        Assert.Equal(CloseCode.GoingAway, one.TakeFramesToClose()[^1].Close.Code);
        Assert.StartsWith("HTTP/1.1 503 ", three.TakeHead(), StringComparison.Ordinal);
        one.Write(LoopClient.Close(CloseCode.GoingAway));
        one.Dispose();
        three.Dispose();
        harness.Until(() => harness.Loop.Connections == 1);
        Assert.False(drained.IsCompleted);

        two.Dispose();
        harness.Until(() => drained.IsCompleted, "the end of the drain");
        Assert.All(harness.Acceptor.Handlers, handler => Assert.Equal(ClosureCause.Shutdown, Assert.Single(handler.Ends).Cause));
        harness.AssertNothingLeft();
    }

    [Fact]
    public void A_drain_without_connections_is_done_at_once()
    {
        using var harness = NewHarness();
        Task drained = harness.Loop.DrainAsync();
        harness.Loop.RunOnce(0);

        Assert.True(drained.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_client_that_never_answers_holds_a_drain_up_no_longer_than_the_limit()
    {
        using var harness = NewHarness();
        harness.Open();
        Task drained = harness.Loop.DrainAsync();
        harness.Settle();
        Assert.False(drained.IsCompleted);

        harness.Pass(harness.Settings.CloseLimit);

        Assert.True(drained.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_draining_loop_listens_no_more()
    {
        using var harness = NewHarness();
        harness.Open();
        _ = harness.Loop.DrainAsync();
        harness.Settle();

        using var late = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        var refused = Assert.Throws<SocketException>(() => late.Connect(harness.Listener.EndPoint));
        Assert.Equal(SocketError.ConnectionRefused, refused.SocketErrorCode);
    }

    [Fact]
    public void A_second_hub_on_a_port_fails_with_address_in_use()
    {
        using var harness = NewHarness();

        var failure = Assert.Throws<SocketException>(() => ListeningSocket.OpenAll(harness.Listener.EndPoint, count: 2, backlog: 16));

        Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
        Assert.Equal($"Cannot listen on {harness.Listener.EndPoint}: Address already in use.", failure.Message);
    }

    [Fact]
    public void A_hub_can_start_again_on_its_port_right_after_it_has_stopped()
    {
        IPEndPoint address;
        using (var harness = NewHarness())
        {
            address = harness.Listener.EndPoint;
            (LoopClient client, RecordingHandler handler) = harness.Open();
            handler.Connection.Close(CloseCode.Normal, "");
            client.Write(LoopClient.Close());
            client.TakeFramesToEnd();
            client.Dispose();
            harness.AssertNothingLeft();
        }

        foreach (ListeningSocket again in ListeningSocket.OpenAll(address, count: 1, backlog: 16)) again.Close();
    }

    [Fact]
    public void Several_loops_can_listen_on_one_port()
    {
        IReadOnlyList<ListeningSocket> sockets = ListeningSocket.OpenAll(new IPEndPoint(IPAddress.Loopback, 0), count: 3, backlog: 16);

        Assert.Equal(3, sockets.Count);
        Assert.NotEqual(0, sockets[0].EndPoint.Port);
        Assert.Single(sockets.Select(socket => socket.EndPoint).Distinct());
        foreach (ListeningSocket socket in sockets) socket.Close();
    }

    [Fact]
    public void An_address_that_is_not_ours_is_named_as_such()
    {
        var failure =
            Assert.Throws<SocketException>(
                () => ListeningSocket.OpenAll(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 4000), count: 1, backlog: 16));

        Assert.Equal(SocketError.AddressNotAvailable, failure.SocketErrorCode);
    }

    // The descriptors do not really run out here: that would take them from every other test of the process.
    [Fact]
    public void A_loop_out_of_descriptors_leaves_clients_in_the_queue_for_a_moment_and_then_accepts_them()
    {
        using var harness = NewHarness();
        var pause = new AcceptPause(harness.Loop);
        pause.Start(harness.Listener);
        using var client = new LoopClient(harness);
        harness.Settle();
        Assert.Equal(0, harness.Loop.Connections);

        harness.Pass(TimeSpan.FromMilliseconds(100));

        harness.Until(() => harness.Loop.Connections == 1);
    }

    [Fact]
    public void A_drain_during_such_a_pause_does_not_listen_again()
    {
        using var harness = NewHarness();
        var pause = new AcceptPause(harness.Loop);
        pause.Start(harness.Listener);
        Task drained = harness.Loop.DrainAsync();
        harness.Loop.RunOnce(0);

        harness.Pass(TimeSpan.FromSeconds(1));

        Assert.True(drained.IsCompletedSuccessfully);
        Assert.Equal(0, harness.Loop.Timers.Count);
    }
}

public sealed class EpollDrainTests() : DrainTests(ReactorBackend.Epoll);

public sealed class RingDrainTests() : DrainTests(ReactorBackend.IoUring);
