using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Relay;
using System.Text;
using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Broker.Actors.Channels;
using Broker.Actors.Model;
using Broker.Core.Counting;
using Broker.Tests.Support;
using Xunit;
using static Broker.Actors.Channels.Delivery.ChannelProtocol;
using Delivery = Broker.Core.Protocol.Messages.Delivery;
using NativeWriter = Broker.Core.Protocol.Messages.NativeWriter;

namespace Broker.Tests.Routing;

/// <summary>One home of channels on the test's own thread, between probes for the fan-outs of two loops and for sessions.</summary>
public sealed class ChannelHomeActorTests : TestKit
{
    private const int Shard = 5;
    private static readonly int Json = TestFormats.Json.Encoding.Slot, Native = TestFormats.Batched.Encoding.Slot;
    private static readonly ClientInfo s_info = new("", "x");

    private readonly TestProbe[] _fanOuts;
    private readonly TestProbe _session;
    private readonly IActorRef _home;

    public ChannelHomeActorTests()
        : base("akka { loglevel = OFF, stdout-loglevel = OFF }")
    {
        _fanOuts = [CreateTestProbe(), CreateTestProbe()];
        _session = CreateTestProbe();
        var context =
            new ChannelContext([.. _fanOuts.Select(probe => probe.Ref)], TestFormats.All, new ChannelSettings { LoopBytesMax = 200 });
        Props home = ChannelHomeActor.PropsFor(Shard, context, new LoopCounters());
        _home = Sys.ActorOf(home.WithDispatcher(CallingThreadDispatcher.Id));
    }

    [Fact]
    public void Joins_publications_and_leaves_reach_the_loop_in_their_order()
    {
        Subscription member = Member("c", loop: 1);

        _home.Tell(new Subscribe(member, 1, 80));
        Publish("c", "1", id: 2);
        _home.Tell(new Unsubscribe(member, 3, 81));
        Publish("c", "2", id: 4);

        var attach = _fanOuts[1].ExpectMsg<AddSubscriber>();
        Assert.Equal(new AddSubscriber(member, Shard, attach.Result, 1, 80), attach);
        Assert.Equal(
            """{"push":{"channel":"c","pub":{"data":1,"info":{"user":"","client":"x"}}}}""", LineOf(_fanOuts[1].ExpectMsg<Deliver>()));
        Assert.Equal(new RemoveSubscriber(member, 3, 81), _fanOuts[1].ExpectMsg<RemoveSubscriber>());
        AssertNothingFor(_fanOuts[0], _fanOuts[1]);
    }

    [Fact]
    public void A_publication_is_encoded_once_and_goes_once_to_each_loop_that_has_members()
    {
        Join("c", loop: 0);
        Join("c", loop: 1);
        Join("c", loop: 1);
        Join("other", loop: 0);

        Publish("c", "1", id: 2);

        var first = _fanOuts[0].ExpectMsg<Deliver>();
        var second = _fanOuts[1].ExpectMsg<Deliver>();
        Assert.Equal(("c", Shard), (first.Channel, first.Home.Number));
        Assert.True(ReferenceEquals(LineIn(first), LineIn(second)), "The two loops were given two encodings.");
        AssertNothingFor(_fanOuts[0], _fanOuts[1]);
    }

    [Fact]
    public void A_publication_is_encoded_only_for_formats_with_subscribers()
    {
        Subscription json = Join("c", loop: 0);
        Publish("c", "1", id: 1);
        Join("c", loop: 1, TestFormats.Batched);
        Publish("c", "2", id: 2);
        _home.Tell(new Unsubscribe(json, 3, 81));
        Publish("c", "3", id: 4);

        EncodedPublication[] seen = [Next(0), Next(1), Next(1)];
        Assert.Equal((true, false), (seen[0][Json] is not null, seen[0][Native] is not null));
        Assert.Equal((true, true), (seen[1][Json] is not null, seen[1][Native] is not null));
        Assert.Equal((false, true), (seen[2][Json] is not null, seen[2][Native] is not null));

        EncodedPublication Next(int loop) => _fanOuts[loop].FishForMessage<Deliver>(_ => true).Publication;
    }

    [Fact]
    public void Native_deliveries_carry_channel_number_and_offset()
    {
        Join("c", loop: 0);
        SubscribeResult place = PositionOf(Member("c", loop: 1, TestFormats.Unbatched));
        SubscribeResult other = PositionOf(Member("d", loop: 1, TestFormats.Batched));

        Publish("c", "[1]", id: 1);
        Publish("c", "[2]", id: 2);

        Assert.Equal(0ul, place.Position.Offset);
        Assert.NotEqual(place.Number, other.Number);
        Assert.NotEqual(place.Position.Epoch, other.Position.Epoch);
        foreach (ulong offset in new ulong[] { 1, 2 })
        {
            EncodedPublication publication = _fanOuts[1].ExpectMsg<Deliver>().Publication;
            byte[] expected =
                NativeWriter.Message(
                    new Delivery { Channel = place.Number, Offset = offset, Data = Encoding.UTF8.GetBytes($"[{offset}]") });
            Assert.Equal(expected, publication[Native]);
            Assert.DoesNotContain("offset", Encoding.UTF8.GetString(publication[Json]!), StringComparison.Ordinal);
        }

        AssertPublished(1, receivers: 2, offset: 1);
        AssertPublished(2, receivers: 2, offset: 2);
    }

    [Fact]
    public void A_channel_that_begins_again_has_another_number_and_another_epoch()
    {
        Subscription first = Member("c", loop: 0);
        SubscribeResult place = PositionOf(first);
        _home.Tell(new Unsubscribe(first, 3, 81));

        SubscribeResult again = PositionOf(Member("c", loop: 0));

        Assert.NotEqual(place.Number, again.Number);
        Assert.NotEqual(place.Position.Epoch, again.Position.Epoch);
    }

    [Theory]
    [InlineData("{\"a\": [1]}", "{\"a\": [1]}", "")]
    [InlineData("7", "7", "")]
    [InlineData("plain", "\"cGxhaW4=\"", ",\"tags\":{\"encoding\":\"base64\"}")]
    [InlineData("", "\"\"", ",\"tags\":{\"encoding\":\"base64\"}")]
    [InlineData("\"\u00ff\"", "\"Iv8i\"", ",\"tags\":{\"encoding\":\"base64\"}")]
    public void Data_that_is_not_json_reaches_json_clients_in_base64(string data, string expected, string tags)
    {
        Join("c", loop: 0);
        Join("c", loop: 0, TestFormats.Batched);
        byte[] bytes = Encoding.Latin1.GetBytes(data);

        _home.Tell(new Publish("c", new Publication { Data = bytes, Info = s_info }, _session.Ref, 1, 100));

        Deliver deliver = _fanOuts[0].FishForMessage<Deliver>(_ => true);
        Assert.Equal(
            "{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":" + expected + ",\"info\":{\"user\":\"\",\"client\":\"x\"}" + tags + "}}}",
                LineOf(deliver));
        Assert.True(deliver.Publication[Native].AsSpan().EndsWith(bytes));
    }

    [Fact]
    public void A_loop_whose_last_member_has_left_gets_nothing()
    {
        Subscription left = Join("c", loop: 0);
        Join("c", loop: 1);

        _home.Tell(new Unsubscribe(left, 3, 81));
        Publish("c", "1", id: 2);

        _fanOuts[0].ExpectMsg<RemoveSubscriber>();
        _fanOuts[1].ExpectMsg<Deliver>();
        AssertNothingFor(_fanOuts[0]);
    }

    [Fact]
    public void A_publication_without_subscribers_is_acknowledged_at_once()
    {
        Publish("nobody", "1", id: 7);

        AssertPublished(7, receivers: 0, offset: 0);
        AssertNothingFor(_fanOuts);
    }

    [Fact]
    public void An_unsubscribe_from_a_channel_that_the_home_does_not_know_is_still_answered()
    {
        Subscription member = Member("c", loop: 1);

        _home.Tell(new Unsubscribe(member, 3, 81));

        Assert.Equal(new RemoveSubscriber(member, 3, 81), _fanOuts[1].ExpectMsg<RemoveSubscriber>());
    }

    [Fact]
    public void A_second_unsubscribe_does_not_remove_another_subscription()
    {
        Subscription twice = Join("c", loop: 0);
        Join("c", loop: 0);

        _home.Tell(new Unsubscribe(twice, 3, 81));
        _home.Tell(new Unsubscribe(twice, 0, 0));
        Publish("c", "1", id: 4);

        _fanOuts[0].ExpectMsg<RemoveSubscriber>();
        _fanOuts[0].ExpectMsg<RemoveSubscriber>();
        _fanOuts[0].ExpectMsg<Deliver>();
    }

    [Fact]
    public void While_a_loop_lags_publishers_wait_and_are_then_answered_in_their_order()
    {
        Join("c", loop: 0);
        string half = Data(bytes: 150);
        int line = LineBytes("c", half);

        Publish("c", half, id: 1);          // Under the bound of 200 no more,
        Publish("c", half, id: 2);
        Publish("nobody", "1", id: 3);      // and who publishes elsewhere waits too: replies keep their order.
        AssertNothingFor(_session);

        _home.Tell(new Sent(0, line));
        AssertNothingFor(_session);         // One of the two is still on its way.
        _home.Tell(new Sent(0, line));
        Assert.Equal([1u, 2u, 3u], Enumerable.Range(0, 3).Select(_ => _session.ExpectMsg<Published>().Id));

        Publish("nobody", "1", id: 4);
        Assert.Equal(4u, _session.ExpectMsg<Published>().Id);
    }

    [Fact]
    public void One_loop_that_lags_is_enough_and_the_other_does_not_make_up_for_it()
    {
        Join("a", loop: 0);
        Join("b", loop: 1);
        string much = Data(bytes: 250);

        Publish("a", much, id: 1);
        _home.Tell(new Sent(1, 10_000));   // Of a life before a restart, perhaps: it makes no room.
        AssertNothingFor(_session);
        _home.Tell(new Sent(0, LineBytes("a", much)));
        Assert.Equal(1u, _session.ExpectMsg<Published>().Id);

        Publish("b", much, id: 2);
        AssertNothingFor(_session);
    }

    [Fact]
    public void A_failed_home_notifies_every_fan_out_and_the_publisher()
    {
        Join("c", loop: 0);
        Publish("c", Data(bytes: 250), id: 1);
        AssertNothingFor(_session);

        Fail(id: 2);

        _fanOuts[0].ExpectMsg<Deliver>();
        Assert.Equal(new Reset(Shard), _fanOuts[0].ExpectMsg<Reset>());
        Assert.Equal(new Reset(Shard), _fanOuts[1].ExpectMsg<Reset>());
        AssertPublished(1, receivers: 1, offset: 1);
        Assert.Equal(new Failed(2, 100, HubError.Internal, null), _session.ExpectMsg<Failed>());
    }

    [Fact]
    public void A_home_that_failed_starts_anew_without_members_and_without_bytes_under_way()
    {
        Join("c", loop: 0);
        Publish("c", Data(bytes: 250), id: 1);
        Fail(id: 2);
        _fanOuts[0].ExpectMsg<Deliver>();
        _fanOuts[0].ExpectMsg<Reset>();
        _session.ExpectMsg<Published>();
        _session.ExpectMsg<Failed>();

        Publish("c", "1", id: 3);

        Assert.Equal(3u, _session.ExpectMsg<Published>().Id);
        AssertNothingFor(_fanOuts[0]);
    }

    [Fact]
    public void Bytes_of_an_earlier_home_free_no_room_in_the_new_one()
    {
        Join("c", loop: 0);
        string much = Data(bytes: 250);
        Publish("c", much, id: 1);
        Fail(id: 2);
        _session.ExpectMsg<Published>();
        _session.ExpectMsg<Failed>();
        Subscription anew = Member("c", loop: 0);
        _home.Tell(new Subscribe(anew, 3, 80));

        _home.Tell(new Sent(0, LineBytes("c", much)));
        Publish("c", much, id: 4);

        AssertNothingFor(_session);
    }

    [Fact]
    public void A_late_leave_does_not_remove_a_newer_subscriber()
    {
        Subscription evicted = Join("c", loop: 0);
        Fail(id: 2);
        Join("c", loop: 0);

        _home.Tell(new Unsubscribe(evicted, 3, 80));
        Publish("c", "1", id: 4);

        _fanOuts[0].FishForMessage(message => message is RemoveSubscriber);
        Assert.Equal("c", _fanOuts[0].ExpectMsg<Deliver>().Channel);
    }

    [Fact]
    public void A_subscribe_that_fails_the_home_gets_a_reply()
    {
        Subscription bad = Member(channel: null!, loop: 0);

        _home.Tell(new Subscribe(bad, 1, 80));

        Assert.Equal(new Failed(1, 80, HubError.Internal, bad), _session.ExpectMsg<Failed>());
    }

    [Fact]
    public void An_unsubscribe_at_which_the_home_fails_is_answered_by_the_fan_out()
    {
        Subscription bad = Member(channel: null!, loop: 0);

        _home.Tell(new Unsubscribe(bad, 1, 80));

        _fanOuts[0].ExpectMsg<Reset>();
        Assert.Equal(new RemoveSubscriber(bad, 1, 80), _fanOuts[0].ExpectMsg<RemoveSubscriber>());
    }

    private Subscription Member(string channel, int loop, PublicationFormat? format = null) =>
        new(channel, loop, _session.Ref, new RecordingWriter(new FakeConnection(new FakeLoop(loop)), format ?? TestFormats.Json));

    private SubscribeResult PositionOf(Subscription member)
    {
        _home.Tell(new Subscribe(member, 1, 80));
        return _fanOuts[member.Loop].FishForMessage<AddSubscriber>(attach => ReferenceEquals(attach.Subscription, member)).Result;
    }

    private Subscription Join(string channel, int loop, PublicationFormat? format = null)
    {
        Subscription member = Member(channel, loop, format);
        _home.Tell(new Subscribe(member, 1, 80));
        Assert.Same(member, _fanOuts[loop].FishForMessage<AddSubscriber>(_ => true).Subscription);
        return member;
    }

    private void Publish(string channel, string data, uint id) =>
        _home.Tell(new Publish(
            channel, new Publication { Data = Encoding.UTF8.GetBytes(data), IsJson = true, Info = s_info }, _session.Ref, id, 100));

    // A name that is none: nothing in the home is ready for that.
    private void Fail(uint id) =>
        _home.Tell(new Publish(Channel: null!, new Publication { Data = "1"u8.ToArray() }, _session.Ref, id, 100));

    private static byte[]? LineIn(Deliver deliver) => deliver.Publication[Json];

    private void AssertPublished(uint id, int receivers, ulong offset)
    {
        var published = _session.ExpectMsg<Published>();
        Assert.Equal((id, 100, receivers, offset), (published.Id, published.Bytes, published.Receivers, published.Position.Offset));
    }

    private static string LineOf(Deliver deliver) => Encoding.UTF8.GetString(LineIn(deliver)!);

    private static string Data(int bytes) => $"\"{new string('x', bytes - 2)}\"";

    private static int LineBytes(string channel, string data) =>
        Encoding.UTF8.GetByteCount($$$"""{"push":{"channel":"{{{channel}}}","pub":{"data":{{{data}}},"info":""")
            + """{"user":"","client":"x"}}}}""".Length;

    // The home runs on this thread, so whatever it said has been sent.
    private static void AssertNothingFor(params TestProbe[] probes) => Assert.All(probes, probe => Assert.False(probe.HasMessages));
}
