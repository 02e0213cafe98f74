using System.Text;
using Akka.Actor;
using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Broker.Actors.Routing;
using Broker.Actors.Sessions;
using Broker.Core.Centrifuge;
using Broker.Core.Counting;
using Broker.Tests.Support;
using Xunit;
using static Broker.Actors.Routing.RoutingProtocol;
using Delivery = Broker.Core.Protocol.Messages.Delivery;
using NativeWriter = Broker.Core.Protocol.Messages.NativeWriter;

namespace Broker.Tests.Routing;

/// <summary>One home of channels on the test's own thread, between probes for the fan-outs of two loops and for sessions.</summary>
public sealed class RouterShardActorTests : TestKit
{
    private const int Shard = 5;

    private readonly TestProbe[] _fanOuts;
    private readonly TestProbe _session;
    private readonly IActorRef _home;

    public RouterShardActorTests()
        : base("akka { loglevel = OFF, stdout-loglevel = OFF }")
    {
        _fanOuts = [CreateTestProbe(), CreateTestProbe()];
        _session = CreateTestProbe();
        Props home = RouterShardActor.PropsFor(Shard, [.. _fanOuts.Select(probe => probe.Ref)], new ChannelNumbers(), new RoutingSettings { LoopBytesMax = 200 }, new LoopCounters());
        _home = Sys.ActorOf(home.WithDispatcher(CallingThreadDispatcher.Id));
    }

    [Fact]
    public void Joins_publications_and_leaves_reach_the_loop_in_their_order()
    {
        Membership member = Member("c", loop: 1);

        _home.Tell(new Subscribe(member, 1, 80));
        Publish("c", "1", id: 2);
        _home.Tell(new Unsubscribe(member, 3, 81));
        Publish("c", "2", id: 4);

        var attach = _fanOuts[1].ExpectMsg<Attach>();
        Assert.Equal(new Attach(member, Shard, attach.Place, 1, 80), attach);
        Assert.Equal("""{"push":{"channel":"c","pub":{"data":1,"info":{"client":"x"}}}}""", LineOf(_fanOuts[1].ExpectMsg<Deliver>()));
        Assert.Equal(new Detach(member, 3, 81), _fanOuts[1].ExpectMsg<Detach>());
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
        Assert.Equal(("c", Shard), (first.Channel, first.Shard));
        Assert.True(first.Publication.Line.Equals(second.Publication.Line), "The two loops were given two encodings.");
        AssertNothingFor(_fanOuts[0], _fanOuts[1]);
    }

    [Fact]
    public void A_publication_is_encoded_for_the_formats_that_somebody_reads_and_for_no_other()
    {
        Membership json = Join("c", loop: 0);
        Publish("c", "1", id: 1);
        Join("c", loop: 1, WireFormat.Batched);
        Publish("c", "2", id: 2);
        _home.Tell(new Unsubscribe(json, 3, 81));
        Publish("c", "3", id: 4);

        EncodedPublication[] seen = [Next(0), Next(1), Next(1)];
        Assert.Equal((true, false), (seen[0].Line.Length > 0, seen[0].Message.Length > 0));
        Assert.Equal((true, true), (seen[1].Line.Length > 0, seen[1].Message.Length > 0));
        Assert.Equal((false, true), (seen[2].Line.Length > 0, seen[2].Message.Length > 0));

        EncodedPublication Next(int loop) => _fanOuts[loop].FishForMessage<Deliver>(_ => true).Publication;
    }

    [Fact]
    public void Native_publications_bear_the_channels_number_and_their_place_and_json_ones_do_not()
    {
        Join("c", loop: 0);
        ChannelPlace place = PlaceOf(Member("c", loop: 1, WireFormat.Unbatched));
        ChannelPlace other = PlaceOf(Member("d", loop: 1, WireFormat.Batched));

        Publish("c", "[1]", id: 1);
        Publish("c", "[2]", id: 2);

        Assert.Equal(0ul, place.Offset);
        Assert.NotEqual(place.Number, other.Number);
        Assert.NotEqual(place.Epoch, other.Epoch);
        foreach (ulong offset in new ulong[] { 1, 2 })
        {
            EncodedPublication publication = _fanOuts[1].ExpectMsg<Deliver>().Publication;
            byte[] expected = NativeWriter.Message(new Delivery { Channel = place.Number, Offset = offset, Data = Encoding.UTF8.GetBytes($"[{offset}]") });
            Assert.Equal(expected, publication.Message.ToArray());
            Assert.DoesNotContain("offset", Encoding.UTF8.GetString(publication.Line.Span), StringComparison.Ordinal);
        }

        Assert.Equal(new SessionProtocol.Published(1, 100, Receivers: 2, Offset: 1), _session.ExpectMsg<SessionProtocol.Published>());
        Assert.Equal(new SessionProtocol.Published(2, 100, Receivers: 2, Offset: 2), _session.ExpectMsg<SessionProtocol.Published>());
    }

    [Fact]
    public void A_channel_that_begins_again_has_another_number_and_another_epoch()
    {
        Membership first = Member("c", loop: 0);
        ChannelPlace place = PlaceOf(first);
        _home.Tell(new Unsubscribe(first, 3, 81));

        ChannelPlace again = PlaceOf(Member("c", loop: 0));

        Assert.NotEqual(place.Number, again.Number);
        Assert.NotEqual(place.Epoch, again.Epoch);
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
        Join("c", loop: 0, WireFormat.Batched);
        byte[] bytes = Encoding.Latin1.GetBytes(data);

        _home.Tell(new Publish("c", bytes, "{}"u8.ToArray(), _session.Ref, 1, 100) { IsJson = false });

        Deliver deliver = _fanOuts[0].FishForMessage<Deliver>(_ => true);
        Assert.Equal("{\"push\":{\"channel\":\"c\",\"pub\":{\"data\":" + expected + ",\"info\":{}" + tags + "}}}", LineOf(deliver));
        Assert.True(deliver.Publication.Message.Span.EndsWith(bytes));
    }

    [Fact]
    public void A_loop_whose_last_member_has_left_gets_nothing()
    {
        Membership left = Join("c", loop: 0);
        Join("c", loop: 1);

        _home.Tell(new Unsubscribe(left, 3, 81));
        Publish("c", "1", id: 2);

        _fanOuts[0].ExpectMsg<Detach>();
        _fanOuts[1].ExpectMsg<Deliver>();
        AssertNothingFor(_fanOuts[0]);
    }

    [Fact]
    public void A_publication_that_nobody_listens_to_is_acknowledged_at_once()
    {
        Publish("nobody", "1", id: 7);

        Assert.Equal(new SessionProtocol.Published(7, 100, Receivers: 0, Offset: 0), _session.ExpectMsg<SessionProtocol.Published>());
        AssertNothingFor(_fanOuts);
    }

    [Fact]
    public void An_unsubscribe_from_a_channel_that_the_home_does_not_know_is_still_answered()
    {
        Membership member = Member("c", loop: 1);

        _home.Tell(new Unsubscribe(member, 3, 81));

        Assert.Equal(new Detach(member, 3, 81), _fanOuts[1].ExpectMsg<Detach>());
    }

    [Fact]
    public void A_second_unsubscribe_does_not_take_the_place_of_another_member()
    {
        Membership twice = Join("c", loop: 0);
        Join("c", loop: 0);

        _home.Tell(new Unsubscribe(twice, 3, 81));
        _home.Tell(new Unsubscribe(twice, 0, 0));
        Publish("c", "1", id: 4);

        _fanOuts[0].ExpectMsg<Detach>();
        _fanOuts[0].ExpectMsg<Detach>();
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

        _home.Tell(new Taken(0, line));
        AssertNothingFor(_session);         // One of the two is still on its way.
        _home.Tell(new Taken(0, line));
        Assert.Equal([1u, 2u, 3u], Enumerable.Range(0, 3).Select(_ => _session.ExpectMsg<SessionProtocol.Published>().Id));

        Publish("nobody", "1", id: 4);
        Assert.Equal(4u, _session.ExpectMsg<SessionProtocol.Published>().Id);
    }

    [Fact]
    public void One_loop_that_lags_is_enough_and_the_other_does_not_make_up_for_it()
    {
        Join("a", loop: 0);
        Join("b", loop: 1);
        string much = Data(bytes: 250);

        Publish("a", much, id: 1);
        _home.Tell(new Taken(1, 10_000));   // Of a life before a restart, perhaps: it makes no room.
        AssertNothingFor(_session);
        _home.Tell(new Taken(0, LineBytes("a", much)));
        Assert.Equal(1u, _session.ExpectMsg<SessionProtocol.Published>().Id);

        Publish("b", much, id: 2);
        AssertNothingFor(_session);
    }

    [Fact]
    public void A_home_that_fails_says_so_to_every_fan_out_and_to_the_publisher_whose_message_it_was()
    {
        Join("c", loop: 0);
        Publish("c", Data(bytes: 250), id: 1);
        AssertNothingFor(_session);

        Fail(id: 2);

        _fanOuts[0].ExpectMsg<Deliver>();
        Assert.Equal(new Forget(Shard), _fanOuts[0].ExpectMsg<Forget>());
        Assert.Equal(new Forget(Shard), _fanOuts[1].ExpectMsg<Forget>());
        Assert.Equal(new SessionProtocol.Published(1, 100, Receivers: 1, Offset: 1), _session.ExpectMsg<SessionProtocol.Published>());
        Assert.Equal(new SessionProtocol.Failed(2, 100, CentrifugeError.Internal, null), _session.ExpectMsg<SessionProtocol.Failed>());
    }

    [Fact]
    public void A_home_that_failed_starts_anew_without_members_and_without_bytes_under_way()
    {
        Join("c", loop: 0);
        Publish("c", Data(bytes: 250), id: 1);
        Fail(id: 2);
        _fanOuts[0].ExpectMsg<Deliver>();
        _fanOuts[0].ExpectMsg<Forget>();
        _session.ExpectMsg<SessionProtocol.Published>();
        _session.ExpectMsg<SessionProtocol.Failed>();

        Publish("c", "1", id: 3);

        Assert.Equal(3u, _session.ExpectMsg<SessionProtocol.Published>().Id);
        AssertNothingFor(_fanOuts[0]);
    }

    [Fact]
    public void What_was_taken_of_the_life_before_makes_no_room_in_the_new_one()
    {
        Join("c", loop: 0);
        string much = Data(bytes: 250);
        Publish("c", much, id: 1);
        Fail(id: 2);
        _session.ExpectMsg<SessionProtocol.Published>();
        _session.ExpectMsg<SessionProtocol.Failed>();
        Membership anew = Member("c", loop: 0);
        _home.Tell(new Subscribe(anew, 3, 80));

        _home.Tell(new Taken(0, LineBytes("c", much)));
        Publish("c", much, id: 4);

        AssertNothingFor(_session);
    }

    [Fact]
    public void Who_was_forgotten_and_leaves_does_not_take_the_place_of_one_who_has_come_since()
    {
        Membership forgotten = Join("c", loop: 0);
        Fail(id: 2);
        Join("c", loop: 0);

        _home.Tell(new Unsubscribe(forgotten, 3, 80));
        Publish("c", "1", id: 4);

        _fanOuts[0].FishForMessage(message => message is Detach);
        Assert.Equal("c", _fanOuts[0].ExpectMsg<Deliver>().Channel);
    }

    [Fact]
    public void A_subscribe_at_which_the_home_fails_is_answered_with_its_membership()
    {
        Membership bad = Member(channel: null!, loop: 0);

        _home.Tell(new Subscribe(bad, 1, 80));

        Assert.Equal(new SessionProtocol.Failed(1, 80, CentrifugeError.Internal, bad), _session.ExpectMsg<SessionProtocol.Failed>());
    }

    [Fact]
    public void An_unsubscribe_at_which_the_home_fails_is_answered_by_the_fan_out()
    {
        Membership bad = Member(channel: null!, loop: 0);

        _home.Tell(new Unsubscribe(bad, 1, 80));

        _fanOuts[0].ExpectMsg<Forget>();
        Assert.Equal(new Detach(bad, 1, 80), _fanOuts[0].ExpectMsg<Detach>());
    }

    private Membership Member(string channel, int loop, WireFormat format = WireFormat.Json) =>
        new(channel, loop, _session.Ref, new RecordingOutlet(new FakeConnection(new FakeLoop(loop)), format));

    private ChannelPlace PlaceOf(Membership member)
    {
        _home.Tell(new Subscribe(member, 1, 80));
        return _fanOuts[member.Loop].FishForMessage<Attach>(attach => ReferenceEquals(attach.Membership, member)).Place;
    }

    private Membership Join(string channel, int loop, WireFormat format = WireFormat.Json)
    {
        Membership member = Member(channel, loop, format);
        _home.Tell(new Subscribe(member, 1, 80));
        Assert.Same(member, _fanOuts[loop].FishForMessage<Attach>(_ => true).Membership);
        return member;
    }

    private void Publish(string channel, string data, uint id) =>
        _home.Tell(new Publish(channel, Encoding.UTF8.GetBytes(data), """{"client":"x"}"""u8.ToArray(), _session.Ref, id, 100));

    // A name that is none: nothing in the home is ready for that.
    private void Fail(uint id) => _home.Tell(new Publish(Channel: null!, "1"u8.ToArray(), default, _session.Ref, id, 100));

    private static string LineOf(Deliver deliver) => Encoding.UTF8.GetString(deliver.Publication.Line.Span);

    private static string Data(int bytes) => $"\"{new string('x', bytes - 2)}\"";

    private static int LineBytes(string channel, string data) =>
        Encoding.UTF8.GetByteCount($$$"""{"push":{"channel":"{{{channel}}}","pub":{"data":{{{data}}},"info":""") + """{"client":"x"}}}}""".Length;

    // The home runs on this thread, so whatever it said has been said.
    private static void AssertNothingFor(params TestProbe[] probes) => Assert.All(probes, probe => Assert.False(probe.HasMessages));
}
