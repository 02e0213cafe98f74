using Akka.TestKit;
using Akka.TestKit.Xunit2;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.Home;
using Broker.Actors.Model;
using static Broker.Actors.Channels.Delivery.ChannelProtocol;

namespace Broker.Tests.Channels;

/// <summary>A partition moves from one node's home to another's, and what nodes know of each other is repaired.</summary>
public sealed class PartitionMoveTests : TestKit
{
    private readonly NodeGroup _group;
    private readonly NodeGroup.Node _one, _two, _three;
    private readonly TestProbe _session;

    public PartitionMoveTests()
        : base("akka { loglevel = OFF, stdout-loglevel = OFF }")
    {
        _group = new NodeGroup(() => CreateTestProbe(), "one", "two", "three");
        (_one, _two, _three) = (_group.Nodes[0], _group.Nodes[1], _group.Nodes[2]);
        _session = CreateTestProbe();
    }

    private StreamPosition PublishAndSettle(NodeGroup.Node node, string channel, string data, string key = "")
    {
        node.Publish(channel, data, _session, key);
        _group.Settle();
        return _session.ExpectMsg<Published>().Position;
    }

    private void MoveTo(NodeGroup.Node node)
    {
        _group.Wanted = node.Name;
        _group.Settle();
        Assert.Equal(node.Name, _group.Home);
    }

    [Theory]
    [InlineData("kept:a")]
    [InlineData("plain")]
    public void A_planned_move_keeps_positions_and_delivers_everything_once(string channel)
    {
        foreach (NodeGroup.Node node in _group.Nodes) node.Subscribe(channel, node.Name, _session);
        _group.Settle();
        StreamPosition first = PublishAndSettle(_two, channel, "1");
        for (int i = 2; i < 5; i++) PublishAndSettle(_group.Nodes[i % 3], channel, $"{i}");
        MoveTo(_two);
        StreamPosition next = PublishAndSettle(_one, channel, "5");
        MoveTo(_three);
        StreamPosition last = PublishAndSettle(_two, channel, "6");

        Assert.Equal(first with { Offset = 5 }, next);
        Assert.Equal(first with { Offset = 6 }, last);
        foreach (NodeGroup.Node node in _group.Nodes)
        {
            Assert.Equal(6, node.Look().Delivered.Count);
            for (int i = 1; i <= 6; i++) Assert.Contains($"\"data\":{i}", node.Delivered[i - 1], StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("kept:a")]
    [InlineData("plain")]
    public void What_is_published_during_a_move_waits_and_keeps_its_order(string channel)
    {
        foreach (NodeGroup.Node node in _group.Nodes) node.Subscribe(channel, node.Name, _session);
        _group.Settle();
        _group.Wanted = "two";
        int sent = 0;
        for (int step = 0; step < 12; step++)
        {
            foreach (NodeGroup.Node node in _group.Nodes) node.Publish(channel, $"{++sent}", _session);
            _group.Carry(most: 1);
            if (step % 3 == 0) _group.Inform();
        }

        _group.Settle();
        Assert.Equal("two", _group.Home);
        ulong[] offsets = [.. Enumerable.Range(0, sent).Select(_ => _session.ExpectMsg<Published>().Position.Offset)];
        Assert.Equal(Enumerable.Range(1, sent).Select(static offset => (ulong)offset), offsets.Order());
        foreach (NodeGroup.Node node in _group.Nodes)
        {
            Assert.Equal(sent, node.Look().Delivered.Count);
            Assert.Equal(_one.Look().Delivered, node.Delivered);
        }
    }

    [Fact]
    public void History_and_keys_go_with_a_moved_channel()
    {
        StreamPosition first = PublishAndSettle(_one, "kept:a", "1", "key");
        for (int i = 0; i < 500; i++) _one.Publish("kept:a", $"\"{new string('x', 2000)}\"", _session);
        _session.ReceiveN(500);
        MoveTo(_two);
        Assert.Equal(first, PublishAndSettle(_three, "kept:a", "1", "key"));
        _one.ReadHistory("kept:a", _session);
        _group.Settle();
        HistoryRead read = _session.ExpectMsg<HistoryRead>();
        Assert.Equal(first with { Offset = 501 }, read.Page.Top);
        Assert.Equal(Enumerable.Range(1, 501).Select(static i => (ulong)i), read.Page.Publications.Select(static each => each.Offset));
    }

    [Fact]
    public void Presence_goes_with_a_moved_channel_and_each_leave_is_announced_once()
    {
        Subscription[] subscriptions = [.. _group.Nodes.Select(node => node.Subscribe("plain", node.Name, _session))];
        _group.Settle();
        foreach (NodeGroup.Node node in _group.Nodes) node.Look();
        int before = _three.Announced;
        _group.Wanted = "two";
        _group.Inform();
        _one.Unsubscribe(subscriptions[0]);
        _two.Unsubscribe(subscriptions[1]);
        _group.Settle();
        SendDigests();

        Assert.Equal("two", _group.Home);
        Assert.Equal(["three"], ClientsAt(_one, "plain"));
        Assert.Equal(before + 2, _three.Look().Announced);
    }

    [Fact]
    public void A_move_that_is_not_answered_is_given_up_and_what_has_arrived_is_void()
    {
        _one.Subscribe("kept:a", "one", _session);
        StreamPosition first = PublishAndSettle(_one, "kept:a", "1");
        _group.Lost.Add(NodeSerializer.Kind.Handed);
        _group.Wanted = "two";
        _group.Settle();
        Assert.Equal("one", _group.Home);
        _one.Break(_two);
        _group.Wanted = null;
        _group.Settle();
        Assert.Equal(first with { Offset = 2 }, PublishAndSettle(_one, "kept:a", "2"));

        _group.Lost.Clear();
        _group.Milliseconds += 2000;
        MoveTo(_two);
        Assert.Equal(first with { Offset = 3 }, PublishAndSettle(_one, "kept:a", "3"));
        Assert.Equal(3, _one.Look().Delivered.Count);
    }

    [Fact]
    public void A_lost_leave_is_found_by_the_digest_and_announced()
    {
        Subscription stays = _two.Subscribe("plain", "stays", _session), leaves = _two.Subscribe("plain", "leaves", _session);
        _one.Subscribe("plain", "one", _session);
        _group.Settle();
        int before = _one.Look().Announced;
        _group.Lost.Add(NodeSerializer.Kind.Leave);
        _two.Unsubscribe(leaves);
        _group.Settle();
        Assert.Equal(3, ClientsAt(_one, "plain").Count);
        _group.Lost.Clear();
        SendDigests();
        Assert.Equal(["one", "stays"], ClientsAt(_one, "plain").Order());
        Assert.Equal(before + 1, _one.Look().Announced);
        Assert.Equal("stays", stays.Info!.Client);
    }

    [Fact]
    public void A_lost_detach_is_found_by_the_digest()
    {
        Subscription gone = _two.Subscribe("plain", "two", _session);
        _one.Subscribe("plain", "one", _session);
        _group.Settle();
        _group.Lost.Add(NodeSerializer.Kind.Detach);
        _group.Lost.Add(NodeSerializer.Kind.Leave);
        _two.Unsubscribe(gone);
        _group.Settle();
        _group.Lost.Clear();
        SendDigests();
        Assert.Equal(["one"], ClientsAt(_one, "plain"));
        _one.Publish("plain", "1", _session);
        Assert.Equal(1, _session.ExpectMsg<Published>().Receivers);
    }

    [Fact]
    public void Equal_digests_send_no_list()
    {
        _two.Subscribe("plain", "two", _session);
        _group.Settle();
        _group.Lost.Add(NodeSerializer.Kind.ListWanted);
        SendDigests();
        Assert.Equal(["two"], ClientsAt(_one, "plain"));
        Assert.False(_group.HasSent(NodeSerializer.Kind.ListWanted));
    }

    [Fact]
    public void The_leave_of_a_client_while_the_lane_was_down_is_announced()
    {
        Subscription leaves = _two.Subscribe("plain", "leaves", _session);
        _two.Subscribe("plain", "stays", _session);
        _one.Subscribe("plain", "one", _session);
        _group.Settle();
        int before = _one.Look().Announced;
        _group.Lost.Add(NodeSerializer.Kind.Leave);
        _two.Unsubscribe(leaves);
        _group.Carry();
        _group.Lost.Clear();
        _two.Break(_one);
        Assert.Equal(["one"], ClientsAt(_one, "plain"));
        _group.Settle();
        SendDigests();
        Assert.Equal(["one", "stays"], ClientsAt(_one, "plain").Order());
        Assert.Equal(before + 1, _one.Look().Announced);
    }

    private void SendDigests()
    {
        foreach (NodeGroup.Node node in _group.Nodes) node.Relay.SendDigests(1);
        _group.Settle();
    }

    private IReadOnlyList<string> ClientsAt(NodeGroup.Node node, string channel)
    {
        node.ReadPresence(channel, _session);
        _group.Carry();
        return [.. _session.ExpectMsg<PresenceRead>().Members!.Select(static each => each.Client)];
    }
}
