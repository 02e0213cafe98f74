using Broker.Actors.Calls;
using Broker.Actors.Calls.Inbound;
using Broker.Actors.Calls.Methods;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Namespaces;
using Akka.Actor;
using Akka.Event;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Broker.Actors.Channels;
using Broker.Actors.Model;
using Broker.Actors.Sessions;
using Broker.Core.Framing;
using Broker.Reactor.Loops;
using Broker.Tests.Support;
using Xunit;
using static Broker.Actors.Sessions.SessionProtocol;
using MethodId = Broker.Core.Protocol.Messages.MethodId;

namespace Broker.Tests.Sessions;

/// <summary>One session on the test's own thread, between a writer that records and a probe for the home of all channels.</summary>
public sealed class SessionActorTests : TestKit
{
    private static readonly Closure s_gone = new(ClosureCause.ClosedByClient, CloseCode.Normal, "");

    private readonly RecordingWriter _writer = new(new FakeConnection(new FakeLoop(number: 3)));
    private readonly TestProbe _home;
    private IActorRef _session = ActorRefs.Nobody;

    public SessionActorTests()
        : base("akka { loglevel = OFF, stdout-loglevel = OFF }") => _home = CreateTestProbe();

    [Fact]
    public void A_client_connects_and_learns_its_id()
    {
        Start();

        Send(new ClientCommand.Connect(1, 70));

        Assert.Equal(["connected 1"], _writer.Sent);
        Assert.True(Guid.TryParse(_writer.ClientNotified, out _));
        Assert.Equal(70, _writer.BytesDone);
    }

    public static TheoryData<ClientCommand> NotConnect => new()
    {
        new ClientCommand.Subscribe(1, 70, "c", SubscribeOptions.None),
        new ClientCommand.Unsubscribe(1, 70, "c"),
        new ClientCommand.Publish(1, 70, "c", "1"u8.ToArray()),
        new ClientCommand.Send(70),
        new ClientCommand.Call(1, 70, MethodId.Of("m"), default),
        new ClientCommand.Cancel(1, 70),
        new ClientCommand.Unavailable(1, 70),
    };

    [Theory, MemberData(nameof(NotConnect))]
    public void Any_command_before_connect_is_a_bad_request(ClientCommand command)
    {
        Start();

        Send(command);

        Assert.Equal(["disconnect 3501"], _writer.Sent);
    }

    [Fact]
    public void A_second_connect_is_a_bad_request()
    {
        Connected();

        Send(new ClientCommand.Connect(2, 70));

        Assert.Equal(["connected 1", "disconnect 3501"], _writer.Sent);
    }

    [Fact]
    public void An_unverifiable_token_is_invalid()
    {
        Start();

        Send(new ClientCommand.Connect(1, 70, new ConnectCredentials { Token = "t"u8.ToArray() }));

        Assert.Equal(["disconnect 3500"], _writer.Sent);
    }

    [Fact]
    public void Without_anonymous_clients_one_without_a_token_may_not_be_here()
    {
        Start(access: new AccessSettings { Anonymous = false });

        Send(new ClientCommand.Connect(1, 70));

        Assert.Equal(["disconnect 3507"], _writer.Sent);
    }

    [Fact]
    public void A_subscribe_goes_to_the_home_with_its_subscription()
    {
        Connected();

        Send(new ClientCommand.Subscribe(2, 80, "news", SubscribeOptions.None));

        var subscribe = _home.ExpectMsg<ChannelProtocol.Subscribe>();
        Assert.Equal((2u, 80), (subscribe.Id, subscribe.Bytes));
        Assert.Equal(("news", 3), (subscribe.Subscription.Channel, subscribe.Subscription.Loop));
        Assert.Same(_writer, subscribe.Subscription.Subscriber);
        Assert.Equal(_session, subscribe.Subscription.Session);
        Assert.Equal(["connected 1"], _writer.Sent);           // The fan-out answers, once the client is in its list.
        Assert.Equal(70, _writer.BytesDone);
    }

    [Fact]
    public void A_channel_is_subscribed_once()
    {
        Connected();
        Subscribed("news");

        Send(new ClientCommand.Subscribe(3, 80, "news", SubscribeOptions.None));

        Assert.Equal(["connected 1", "failed 3 105"], _writer.Sent);
        AssertHomeReceivedAll();
    }

    [Fact]
    public void One_channel_more_than_allowed_is_refused_until_one_is_left()
    {
        Connected(new ClientSettings { ChannelsMax = 2 });
        Subscribed("a");
        Subscribed("b");

        Send(new ClientCommand.Subscribe(3, 80, "c", SubscribeOptions.None));
        Send(new ClientCommand.Unsubscribe(4, 80, "a"));
        Send(new ClientCommand.Subscribe(5, 80, "c", SubscribeOptions.None));

        Assert.Equal(["connected 1", "failed 3 106"], _writer.Sent);
        Assert.Equal("a", _home.ExpectMsg<ChannelProtocol.Unsubscribe>().Subscription.Channel);
        Assert.Equal("c", _home.ExpectMsg<ChannelProtocol.Subscribe>().Subscription.Channel);
    }

    public static TheoryData<string> BadNames => ["", new string('x', 256), new string('ä', 128), "a\nb", "a\u0000", "a\u0085"];

    [Theory, MemberData(nameof(BadNames))]
    public void A_name_that_breaks_the_rules_is_neither_subscribed_nor_published_to(string name)
    {
        Connected();

        Send(new ClientCommand.Subscribe(2, 80, name, SubscribeOptions.None), new ClientCommand.Publish(3, 90, name, "1"u8.ToArray()));

        Assert.Equal(["connected 1", "failed 2 107", "failed 3 107"], _writer.Sent);
        Assert.Equal(70 + 80 + 90, _writer.BytesDone);
        AssertHomeReceivedAll();
    }

    [Fact]
    public void Subscribing_without_permission_is_an_error_and_uses_no_slot()
    {
        Connected(new ClientSettings { ChannelsMax = 1 }, new AccessSettings { Subscribe = false });

        Send(new ClientCommand.Subscribe(2, 80, "a", SubscribeOptions.None),
            new ClientCommand.Subscribe(3, 80, "a", SubscribeOptions.None));

        Assert.Equal(["connected 1", "failed 2 103", "failed 3 103"], _writer.Sent);
        Assert.Equal(70 + 80 + 80, _writer.BytesDone);
    }

    [Fact]
    public void Asking_more_of_a_plain_channel_is_an_error()
    {
        Connected();

        Send(new ClientCommand.Subscribe(2, 80, "a", new SubscribeOptions { IsUnavailable = true }));

        Assert.Equal(["connected 1", "failed 2 108"], _writer.Sent);
        AssertHomeReceivedAll();
    }

    [Fact]
    public void An_unsubscribe_goes_to_the_home_and_the_name_is_free_at_once()
    {
        Connected();
        Subscription first = Subscribed("news");

        Send(new ClientCommand.Unsubscribe(3, 90, "news"), new ClientCommand.Subscribe(4, 80, "news", SubscribeOptions.None));

        var unsubscribe = _home.ExpectMsg<ChannelProtocol.Unsubscribe>();
        Assert.Same(first, unsubscribe.Subscription);
        Assert.Equal((3u, 90), (unsubscribe.Id, unsubscribe.Bytes));
        Assert.NotSame(first, _home.ExpectMsg<ChannelProtocol.Subscribe>().Subscription);
        Assert.Equal(["connected 1"], _writer.Sent);
    }

    [Fact]
    public void Unsubscribing_without_a_subscription_succeeds()
    {
        Connected();

        Send(new ClientCommand.Unsubscribe(2, 80, "news"));

        Assert.Equal(["connected 1", "unsubscribed 2"], _writer.Sent);
        Assert.Equal(70 + 80, _writer.BytesDone);
        AssertHomeReceivedAll();
    }

    [Fact]
    public void A_publication_goes_to_the_home_with_its_publisher()
    {
        Connected();

        Send(new ClientCommand.Publish(2, 90, "news", """{"a":1}"""u8.ToArray()));

        var publish = _home.ExpectMsg<ChannelProtocol.Publish>();
        Assert.Equal(("news", 2u, 90), (publish.Channel, publish.Id, publish.Bytes));
        Assert.Equal("""{"a":1}"""u8.ToArray(), publish.Publication.Data.ToArray());
        Assert.Equal(_writer.ClientNotified, publish.Publication.Info!.Client);
        Assert.Equal(_session, publish.ReplyTo);
        Assert.Equal(70, _writer.BytesDone);
    }

    [Fact]
    public void The_homes_answers_to_publications_reach_the_client()
    {
        Connected();

        _session.Tell(new ChannelProtocol.Published(2, 90, Receivers: 1, new StreamPosition(1, 7)));
        _session.Tell(new ChannelProtocol.Failed(3, 91, HubError.Internal, Subscription: null));

        Assert.Equal(["connected 1", "published 2", "failed 3 100"], _writer.Sent);
        Assert.Equal(70 + 90 + 91, _writer.BytesDone);
    }

    [Fact]
    public void A_publication_without_data_is_refused()
    {
        Connected();

        Send(new ClientCommand.Publish(2, 90, "news", default));

        Assert.Equal(["connected 1", "failed 2 107"], _writer.Sent);
        Assert.Equal(70 + 90, _writer.BytesDone);
        AssertHomeReceivedAll();
    }

    [Fact]
    public void Publishing_without_permission_is_an_error()
    {
        Connected(access: new AccessSettings { Publish = false });

        Send(new ClientCommand.Publish(2, 90, "news", "1"u8.ToArray()));

        Assert.Equal(["connected 1", "failed 2 103"], _writer.Sent);
        Assert.Equal(70 + 90, _writer.BytesDone);
        AssertHomeReceivedAll();
    }

    [Fact]
    public void A_send_gets_no_reply()
    {
        Connected();

        Send(new ClientCommand.Send(100));

        Assert.Equal(["connected 1"], _writer.Sent);
        Assert.Equal(70 + 100, _writer.BytesDone);
    }

    [Fact]
    public void There_is_no_method_to_call_and_no_history_to_ask_for()
    {
        Connected();

        Send(new ClientCommand.Call(2, 80, MethodId.Of("sum"), default), new ClientCommand.Unavailable(3, 90));

        Assert.Equal(["connected 1", "faulted 2 UnknownMethod", "failed 3 108"], _writer.Sent);
        Assert.Equal(70 + 80 + 90, _writer.BytesDone);
    }

    [Fact]
    public void Commands_before_a_misuse_take_effect_and_later_ones_do_not()
    {
        Connected();

        Send(
            new ClientCommand.Unsubscribe(2, 80, "a"),
            new ClientCommand.Publish(3, 80, "a", "1"u8.ToArray()),
            new ClientCommand.Misuse(DisconnectReason.BadRequest, "of the test"),
            new ClientCommand.Unsubscribe(4, 80, "a"),
            new ClientCommand.Publish(5, 80, "a", "1"u8.ToArray()));

        Assert.Equal(["connected 1", "unsubscribed 2", "disconnect 3501"], _writer.Sent);
        Assert.Equal(3u, _home.ExpectMsg<ChannelProtocol.Publish>().Id);
        AssertHomeReceivedAll();
    }

    [Fact]
    public void Commands_after_a_disconnect_are_ignored_in_later_turns()
    {
        Start();
        Send(new ClientCommand.Connect(1, 70, new ConnectCredentials { Token = "t"u8.ToArray() }));

        Send(new ClientCommand.Connect(2, 70), new ClientCommand.Publish(3, 80, "a", "1"u8.ToArray()));

        Assert.Equal(["disconnect 3500"], _writer.Sent);
        AssertHomeReceivedAll();
    }

    [Fact]
    public void An_evicted_subscriber_is_notified_and_removed_everywhere()
    {
        Connected(new ClientSettings { ChannelsMax = 1 });
        Subscription member = Subscribed("news");

        _session.Tell(new ChannelProtocol.Evicted(member, UnsubscribeReason.InsufficientState));
        Send(new ClientCommand.Subscribe(3, 80, "news", SubscribeOptions.None));

        Assert.Equal(["connected 1", "evicted news 2500"], _writer.Sent);
        Assert.Equal(new ChannelProtocol.Unsubscribe(member, 0, 0), _home.ExpectMsg<ChannelProtocol.Unsubscribe>());
        _home.ExpectMsg<ChannelProtocol.Subscribe>();
    }

    [Fact]
    public void A_subscription_that_ended_meanwhile_is_not_evicted()
    {
        Connected();
        Subscription member = Subscribed("news");
        Send(new ClientCommand.Unsubscribe(3, 80, "news"));
        _home.ExpectMsg<ChannelProtocol.Unsubscribe>();

        _session.Tell(new ChannelProtocol.Evicted(member, UnsubscribeReason.InsufficientState));

        Assert.Equal(["connected 1"], _writer.Sent);
        AssertHomeReceivedAll();
    }

    [Fact]
    public void A_subscription_made_again_meanwhile_stays()
    {
        Connected();
        Subscription old = Subscribed("news");
        Send(new ClientCommand.Unsubscribe(3, 80, "news"));
        _home.ExpectMsg<ChannelProtocol.Unsubscribe>();
        Subscription taken = Subscribed("news");

        _session.Tell(new ChannelProtocol.Evicted(old, UnsubscribeReason.InsufficientState));
        Send(new ClientCommand.Unsubscribe(5, 80, "news"));

        Assert.Equal(["connected 1"], _writer.Sent);
        Assert.Same(taken, _home.ExpectMsg<ChannelProtocol.Unsubscribe>().Subscription);
    }

    [Fact]
    public void A_subscribe_that_failed_at_the_home_is_removed()
    {
        Connected(new ClientSettings { ChannelsMax = 1 });
        Subscription member = Subscribed("news");

        _session.Tell(new ChannelProtocol.Failed(2, 80, HubError.Internal, member));
        Send(new ClientCommand.Subscribe(3, 80, "news", SubscribeOptions.None));

        Assert.Equal(["connected 1", "failed 2 100"], _writer.Sent);
        Assert.Equal(70 + 80, _writer.BytesDone);
        _home.ExpectMsg<ChannelProtocol.Subscribe>();
    }

    [Fact]
    public void A_late_failure_does_not_free_a_newer_subscription()
    {
        Connected();
        Subscription old = Subscribed("news");
        Send(new ClientCommand.Unsubscribe(3, 80, "news"));
        _home.ExpectMsg<ChannelProtocol.Unsubscribe>();
        Subscribed("news");

        _session.Tell(new ChannelProtocol.Failed(2, 80, HubError.Internal, old));
        Send(new ClientCommand.Subscribe(5, 80, "news", SubscribeOptions.None));

        Assert.Equal(["connected 1", "failed 2 100", "failed 5 105"], _writer.Sent);
    }

    [Fact]
    public void When_the_connection_ends_each_channel_is_left_exactly_once()
    {
        Connected();
        Subscription a = Subscribed("a"), b = Subscribed("b"), c = Subscribed("c");
        Send(new ClientCommand.Unsubscribe(9, 80, "b"));
        _home.ExpectMsg<ChannelProtocol.Unsubscribe>(left => Assert.Same(b, left.Subscription));
        Watch(_session);

        _session.Tell(new Ended(s_gone));

        ExpectTerminated(_session);
        ChannelProtocol.Unsubscribe[] left =
            [_home.ExpectMsg<ChannelProtocol.Unsubscribe>(), _home.ExpectMsg<ChannelProtocol.Unsubscribe>()];
        Assert.Equal(new HashSet<Subscription> { a, c }, [.. left.Select(each => each.Subscription)]);
        Assert.All(left, each => Assert.Equal((0u, 0), (each.Id, each.Bytes)));
        AssertHomeReceivedAll();
    }

    [Fact]
    public void A_failed_session_unsubscribes_and_disconnects_its_client()
    {
        _writer.FailAt("unsubscribed 7");
        Connected();
        Subscription member = Subscribed("news");
        Watch(_session);

        Send(new ClientCommand.Unsubscribe(7, 80, "other"), new ClientCommand.Publish(8, 80, "news", "1"u8.ToArray()));

        ExpectTerminated(_session);
        Assert.Same(member, _home.ExpectMsg<ChannelProtocol.Unsubscribe>().Subscription);
        AssertHomeReceivedAll();
        Assert.Equal(["connected 1", "disconnect 3004"], _writer.Sent);
    }

    private void Start(ClientSettings? settings = null, AccessSettings? access = null)
    {
        var context =
            new SessionContext(
                settings ?? new ClientSettings(), new SettingsAccess(access ?? new AccessSettings()), new ChannelRoutes([_home.Ref]),
                    new CallContext(new MethodRegistry(), new CallSettings(), TimeProvider.System), NoLogger.Instance);
        Props session = SessionActor.PropsFor(context).WithDispatcher(CallingThreadDispatcher.Id);
        IActorRef parent = Sys.ActorOf(Props.Create(() => new Parent()).WithDispatcher(CallingThreadDispatcher.Id));
        parent.Tell(session, TestActor);
        _session = ExpectMsg<IActorRef>();
        _session.Tell(new Bound(_writer), ActorRefs.NoSender);
    }

    private void Connected(ClientSettings? settings = null, AccessSettings? access = null)
    {
        Start(settings, access);
        Send(new ClientCommand.Connect(1, 70));
    }

    private Subscription Subscribed(string channel)
    {
        Send(new ClientCommand.Subscribe(2, 80, channel, SubscribeOptions.None));
        return _home.ExpectMsg<ChannelProtocol.Subscribe>().Subscription;
    }

    private void Send(params ClientCommand[] commands) => _session.Tell(new Commands(commands), ActorRefs.NoSender);

    // The session runs on this thread, so whatever it said has been sent.
    private void AssertHomeReceivedAll() => Assert.False(_home.HasMessages);

    /// <summary>Stops a child that fails, as the parent of sessions does.</summary>
    private sealed class Parent : UntypedActor
    {
        protected override SupervisorStrategy SupervisorStrategy() => new OneForOneStrategy(static _ => Directive.Stop);

        protected override void OnReceive(object message) => Sender.Tell(Context.ActorOf((Props)message));
    }
}
