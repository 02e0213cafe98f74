using Broker.Actors.Calls;
using Broker.Actors.Channels.Delivery;
using Broker.Dialects;
using Akka.Actor;
using Broker.Actors.Channels;
using Broker.Actors.Sessions;
using Broker.Actors.Settings;
using Broker.Actors.Streams;
using Broker.Actors.Model;
using Broker.Actors.Dialects;
using Broker.Core.Framing;
using Broker.Reactor.Loops;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Streams;

/// <summary>What goes wrong stays where it went wrong.</summary>
public sealed class FailureTests
{
    public static TheoryData<byte[], int, ClosureCause> Violations => new()
    {
        { [0x81, 0x00], 1002, ClosureCause.Violation },                                                     // Not masked.
        { [0x83, 0x80, 0, 0, 0, 0], 1002, ClosureCause.Violation },                                         // No such opcode.
        { [0x81, 0x82, 0, 0, 0, 0, 0xC3, 0x28], 1007, ClosureCause.Violation },                             // Not UTF-8.
        { [0x81, 0xFF, 0, 0, 0, 0, 0, 16, 0, 1, 0, 0, 0, 0], 1009, ClosureCause.Violation },                // 1 MiB and a byte.
    };

    [Theory, MemberData(nameof(Violations))]
    public void A_frame_violation_names_the_rule_and_affects_no_other_client(byte[] wire, int code, ClosureCause cause)
    {
        using var hub = new HubHarness();
        HubClient bad = hub.Connect(), good = hub.Connect();
        HubSessionTests.Listen(good, "a");
        HubSessionTests.Listen(bad, "a");

        bad.SendRaw(wire);

        (int closedWith, string reason) = bad.NextClose();
        Assert.Equal(code, closedWith);
        Assert.NotEmpty(reason);
        hub.RunUntil(() => bad.Read() && bad.HasEnded, "the stream ends");
        Assert.Equal(1, hub.Counters.Ended(cause));
        good.Send("""{"id":3,"publish":{"channel":"a","data":1}}""");
        Assert.Equal(2, good.NextLines(2).Length);
        hub.RunUntil(() => hub.ActorsOf(0).Count == ActorsOfOne, "the session of the one that is gone ends");
    }

    [Fact]
    public void A_client_that_vanishes_leaves_nothing_behind()
    {
        using var hub = new HubHarness();
        HubClient gone = hub.Connect(), stays = hub.Connect();
        HubSessionTests.Listen(gone, "a");
        hub.RunUntil(() => hub.ActorsOf(0).Count == ActorsOfNone + 2, "both have their actors");

        gone.Dispose();

        hub.RunUntil(() => hub.Counters.Open == 1 && hub.ActorsOf(0).Count == ActorsOfOne, "its actors end");
        stays.Send("""{"id":3,"publish":{"channel":"a","data":1}}""");
        Assert.Equal("""{"id":3,"publish":{}}""", stays.NextLine());
    }

    // The parent of the streams and the one that all pipes of the loop run in; and of each client its session.
    private const int ActorsOfNone = 2, ActorsOfOne = ActorsOfNone + 1;

    [Fact]
    public void A_closing_handshake_is_answered_and_leaves_nothing_behind()
    {
        using var hub = new HubHarness();
        HubClient client = hub.Connect();

        client.SendClose();

        Assert.Equal(CloseCode.Normal, client.Close!.Value.Code);
        Assert.Equal(1, hub.Counters.Ended(ClosureCause.ClosedByClient));
        client.Dispose();
        hub.RunUntil(() => hub.ActorsOf(0).Count == ActorsOfNone, "its actors end");
    }

    [Fact]
    public void Clients_of_a_failed_home_resubscribe()
    {
        using var hub = new HubHarness(new StandardSettings { Reactors = 2 });
        HubClient[] clients = [hub.Connect(0), hub.Connect(1)];
        foreach (HubClient client in clients) HubSessionTests.Listen(client, "news");
        int home = Broker.Actors.Channels.ChannelRoutes.NumberOf("news", 2);

        hub.FailRouter(home);

        foreach (HubClient client in clients)
            Assert.Equal("""{"push":{"channel":"news","unsubscribe":{"code":2500,"reason":"insufficient state"}}}""", client.NextLine());
        foreach (HubClient client in clients) HubSessionTests.Listen(client, "news");
        clients[0].Send("""{"id":3,"publish":{"channel":"news","data":1}}""");
        Assert.Equal(2, clients[0].NextLines(2).Length);
        Assert.Contains("\"data\":1", clients[1].NextLine(), StringComparison.Ordinal);
    }

    [Fact]
    public void The_failure_of_another_home_changes_nothing_here()
    {
        using var hub = new HubHarness(new StandardSettings { Reactors = 2 });
        HubClient client = hub.Connect();
        HubSessionTests.Listen(client, "news");

        hub.FailRouter(1 - Broker.Actors.Channels.ChannelRoutes.NumberOf("news", 2));
        hub.Turn(8);
        client.Send("""{"id":3,"publish":{"channel":"news","data":1}}""");

        Assert.Equal(
            2, client.NextLines(2)
                .Count(line => line.Contains("\"publish\"", StringComparison.Ordinal)
                || line.Contains("\"pub\"", StringComparison.Ordinal)));
    }

    [Fact]
    public void A_failed_session_disconnects_only_its_own_client()
    {
        using var hub = new HubHarness();
        HubClient bad = hub.Connect(), good = hub.Connect();
        HubSessionTests.Listen(bad, "a");
        HubSessionTests.Listen(good, "a");

        hub.FailSession(loop: 0, number: 0);

        Assert.Equal((3004, "internal server error"), bad.NextClose());
        good.Send("""{"id":3,"publish":{"channel":"a","data":1}}""");
        Assert.Equal(2, good.NextLines(2).Length);
        bad.SendClose();
        bad.Dispose();
        hub.RunUntil(() => hub.ActorsOf(0).Count == ActorsOfOne, "the failed session's actors end");
    }

    [Fact]
    public void A_dialect_that_throws_in_a_turn_closes_its_connection()
    {
        using var hub = new HubHarness { FailuresExpected = 1 };
        hub.Wrap = (_, dialect) => new FailingDialect(dialect);
        HubClient bad = hub.Dial();
        hub.Wrap = (_, dialect) => dialect;
        HubClient good = hub.Connect();

        bad.Send("""{"id":1,"connect":{}}""");

        Assert.Equal((3004, "internal server error"), bad.NextClose());
        good.Send("""{"id":3,"publish":{"channel":"a","data":1}}""");
        Assert.Equal("""{"id":3,"publish":{}}""", good.NextLine());
        bad.SendClose();
        hub.RunUntil(() => hub.ActorsOf(0).Count == ActorsOfOne, "the failed stream's actors end");
    }

    [Fact]
    public void A_connection_that_cannot_be_given_a_session_does_not_take_its_neighbours_along()
    {
        using var hub = new HubHarness();
        HubClient good = hub.Connect();
        HubSessionTests.Listen(good, "a");
        hub.Wrap = (_, _) => throw new InvalidOperationException("No dialect in this test.");

        HubClient bad = hub.Dial();

        Assert.Equal(1011, bad.NextClose().Code);
        good.Send("""{"id":3,"publish":{"channel":"a","data":1}}""");
        Assert.Equal(2, good.NextLines(2).Length);
    }

    [Fact]
    public void A_stopping_hub_notifies_all_clients_and_waits_for_them()
    {
        using var hub = new HubHarness(new StandardSettings { Reactors = 2 });
        HubClient[] clients = [hub.Connect(0), hub.Connect(1), hub.Dial(1)];

        Task drained = hub.Drain();
        foreach (HubClient client in clients) Assert.Equal((3001, "shutdown"), client.NextClose());
        Assert.False(drained.IsCompleted);
        foreach (HubClient client in clients) client.SendClose();
        foreach (HubClient client in clients) client.Dispose();

        hub.RunUntil(() => drained.IsCompleted, "the hub is drained");
        Assert.Equal(3, hub.Counters.Ended(ClosureCause.Shutdown));
        hub.RunUntil(() => hub.ActorsOf(0).Count + hub.ActorsOf(1).Count == 2 * ActorsOfNone, "all sessions end");
    }

    /// <summary>A dialect that fails at the first turn.</summary>
    private sealed class FailingDialect(IDialectSession inner) : IDialectSession
    {
        public Connection Connection => inner.Connection;

        public PublicationFormat Format => inner.Format;

        public string Dialect => inner.Dialect;

        public bool IsReady => inner.IsReady;

        public void OnBound(IActorRef session) => inner.OnBound(session);

        public void OnStarted(IDemand demand) => inner.OnStarted(demand);

        public void OnTurn(Turn turn) => throw new InvalidOperationException("The dialect of the test fails.");

        public void OnDeadline() => inner.OnDeadline();

        public void OnEnded(Closure closure) => inner.OnEnded(closure);

        public void Connected(uint id, in Admission admission) => inner.Connected(id, admission);

        public void Subscribed(uint id, Subscription subscription, in SubscribeResult result) => inner.Subscribed(id, subscription, result);

        public void Unsubscribed(uint id, uint number) => inner.Unsubscribed(id, number);

        public void Published(uint id, int receivers, StreamPosition position) => inner.Published(id, receivers, position);

        public void Failed(uint id, int index, HubError error) => inner.Failed(id, index, error);

        public ICallWriter Calls => inner.Calls;

        public void Evicted(Subscription subscription, UnsubscribeReason reason) => inner.Evicted(subscription, reason);

        public void Disconnect(DisconnectReason reason) => inner.Disconnect(reason);

        public void CloseByClient() => inner.CloseByClient();

        public void Pause() => inner.Pause();

        public void Resume() => inner.Resume();

        public void Done(int bytes) => inner.Done(bytes);
    }
}
