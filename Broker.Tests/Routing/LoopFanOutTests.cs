using Broker.Actors.Channels.Delivery;
using System.Text;
using Akka.Actor;
using Akka.TestKit;
using Broker.Actors.Channels.FanOut;
using Broker.Actors.Model;
using Broker.Actors.Runtime;
using Broker.Actors.Sessions;
using Broker.Tests.Support;
using Xunit;
using static Broker.Actors.Channels.Delivery.ChannelProtocol;
using static Broker.Tests.Support.Wire;

namespace Broker.Tests.Routing;

/// <summary>The fan-out on a loop whose turns the test takes, with connections that keep each write.</summary>
public sealed class LoopFanOutTests : IDisposable
{
    private static readonly SubscribeResult s_position = new() { Number = 17, Position = new StreamPosition(Epoch: 1, Offset: 0) };

    private readonly TurnedLoop _harness = new(new FakeLoop());
    private readonly FakeLoop _loop;
    private readonly LoopTurn _replies;
    private readonly TestProbe _home, _session;
    private readonly HomeRef _source;
    private readonly IActorRef _fanOut;
    private int _clients;

    public LoopFanOutTests()
    {
        _loop = (FakeLoop)_harness.Loops[0];
        _replies = new LoopTurn(_loop);
        _home = _harness.CreateProbe();
        _session = _harness.CreateProbe();
        _source = new HomeRef(0, _home.Ref);
        _fanOut = _harness.Start(loop: 0, LoopFanOutActor.PropsFor(_replies, TestFormats.All, new ChannelSettings { BatchBytesMax = 64 }));
    }

    public void Dispose()
    {
        _harness.Dispose();
        Assert.Equal(0, _loop.Pool.Outstanding);
    }

    private sealed record Client(Subscription Subscription, FakeConnection Connection, RecordingWriter Writer);

    [Fact]
    public void All_publications_of_a_turn_leave_in_one_write_to_each_member()
    {
        Client a = Join("c"), b = Join("c");
        _loop.TakeOne();

        Deliver("c", "1");
        Deliver("c", "2");
        _loop.TakeOne();
        Deliver("c", "3");
        _loop.TakeOne();

        foreach (Client client in new[] { a, b })
        {
            Assert.Equal(2, client.Connection.Writes.Count);
            Assert.Equal([["1", "2"], ["3"]], client.Connection.Frames);
        }
    }

    [Fact]
    public void Subscribers_get_exactly_the_publications_of_their_time()
    {
        Client early = Join("c");
        Deliver("c", "1");
        Client late = Join("c");
        Deliver("c", "2");
        Leave(early, id: 9);
        Deliver("c", "3");
        _loop.TakeOne();

        Assert.Equal([["1"], ["2"]], early.Connection.Frames);
        Assert.Equal([["2"], ["3"]], late.Connection.Frames);
        Assert.Equal(["subscribed 1", "unsubscribed 9"], early.Writer.Sent);
        Assert.Equal(["subscribed 1"], late.Writer.Sent);
    }

    [Fact]
    public void A_member_is_answered_and_its_bytes_given_back_when_it_joins_and_when_it_leaves()
    {
        Client client = Join("c", bytes: 80);
        _loop.TakeOne();
        Assert.Equal(80, client.Writer.BytesDone);

        Leave(client, id: 2, bytes: 90);
        Leave(client, id: 3, bytes: 91);        // It is in no list any more, and is answered all the same.
        _loop.TakeOne();

        Assert.Equal(["subscribed 1", "unsubscribed 2", "unsubscribed 3"], client.Writer.Sent);
        Assert.Equal(80 + 90 + 91, client.Writer.BytesDone);
    }

    [Fact]
    public void An_unsubscribe_without_an_id_gets_no_reply()
    {
        Client client = Join("c");

        Leave(client, id: 0);
        _loop.TakeOne();

        Assert.Equal(["subscribed 1"], client.Writer.Sent);
    }

    [Fact]
    public void A_leave_keeps_the_other_subscribers()
    {
        var random = new Random(20_261_122);
        List<Client> members = [.. Enumerable.Range(0, 40).Select(_ => Join("c"))];
        for (int left = 0; left < 39; left++)
        {
            int index = random.Next(members.Count);
            Client gone = members[index];
            members.RemoveAt(index);
            Leave(gone, id: 0);
            Deliver("c", $"{left}");
            _loop.TakeOne();

            Assert.DoesNotContain(gone.Connection.Frames, frame => frame is [var line] && line == $"{left}");
            Assert.All(members, member => Assert.Equal([$"{left}"], member.Connection.Frames[^1]));
        }
    }

    [Fact]
    public void Each_format_has_its_own_frames_shared_by_its_readers()
    {
        Client json = Join("c"), three = Join("c", format: TestFormats.Batched), threeToo = Join("c", format: TestFormats.Batched);
        Client two = Join("c", format: TestFormats.Unbatched);
        _loop.TakeOne();

        _fanOut.Tell(new Deliver("c", _source, TestFormats.Encoded("1"u8.ToArray(), Bytes("aa bb"))), _home.Ref);
        _fanOut.Tell(new Deliver("c", _source, TestFormats.Encoded("2"u8.ToArray(), Bytes("cc"))), _home.Ref);
        _loop.TakeOne();

        Assert.Equal([["1", "2"]], json.Connection.Frames);
        Assert.Equal(Bytes("82 04 00 aabb cc"), Assert.Single(three.Connection.Writes));
        Assert.Equal(Bytes("82 04 00 aabb cc"), Assert.Single(threeToo.Connection.Writes));
        Assert.Equal(Bytes("82 03 00 aabb 82 02 00 cc"), Assert.Single(two.Connection.Writes));
        Assert.Equal(new Sent(0, 5), _home.ExpectMsg<Sent>());
    }

    [Fact]
    public void A_native_frame_keeps_to_the_bound_unless_one_message_alone_passes_it()
    {
        Client client = Join("c", format: TestFormats.Batched);
        _loop.TakeOne();

        foreach (int bytes in new[] { 30, 33, 1, 64, 65, 1 })
            _fanOut.Tell(new Deliver("c", _source, TestFormats.Encoded(null, new byte[bytes])), _home.Ref);
        _loop.TakeOne();

        Assert.Equal([30 + 33 + 1, 64, 65, 1], client.Connection.Writes.Select(write => write.Length - 3));
    }

    [Fact]
    public void Members_of_several_formats_leave_without_disturbing_each_other()
    {
        Client json = Join("c"), three = Join("c", format: TestFormats.Batched), two = Join("c", format: TestFormats.Unbatched);

        Leave(three, id: 0);
        Leave(json, id: 0);
        _fanOut.Tell(new Deliver("c", _source, TestFormats.Encoded(null, Bytes("aa"))), _home.Ref);
        _loop.TakeOne();

        Assert.Empty(json.Connection.Writes);
        Assert.Empty(three.Connection.Writes);
        Assert.Equal(Bytes("82 02 00 aa"), Assert.Single(two.Connection.Writes));
        Assert.Equal((-1, -1, 0), (json.Subscription.Index, three.Subscription.Index, two.Subscription.Index));
    }

    [Fact]
    public void A_member_learns_where_its_channel_stands()
    {
        Client client = Join("c", format: TestFormats.Batched);
        _loop.TakeOne();

        Assert.Equal([(s_position.Number, s_position.Position)], client.Writer.Positions);
        Assert.Equal(s_position.Number, client.Subscription.Number);
    }

    [Fact]
    public void A_client_of_two_channels_gets_a_turn_in_one_write()
    {
        Client both = Join("a");
        Subscription second = JoinToo(both, "b");
        Client one = Join("b");
        _loop.TakeOne();

        Deliver("a", "1");
        Deliver("b", "2");
        Deliver("a", "3");
        _loop.TakeOne();

        Assert.Equal([["1", "3"], ["2"]], both.Connection.Frames);
        Assert.Single(both.Connection.Writes);
        Assert.Equal([["2"]], one.Connection.Frames);
        Assert.Equal(0, second.Index);
    }

    [Fact]
    public void A_batch_that_reaches_its_bound_leaves_and_another_begins()
    {
        Client client = Join("c");
        _loop.TakeOne();
        string[] lines = [.. Enumerable.Range(0, 7).Select(i => $"{i}{new string('x', 29)}")];

        foreach (string line in lines) Deliver("c", line);
        _loop.TakeOne();

        Assert.Equal([[.. lines[..3]], [.. lines[3..6]], [lines[6]]], client.Connection.Frames);
    }

    [Fact]
    public void A_fan_out_reports_sent_bytes_to_the_home_once_per_turn()
    {
        TestProbe other = _harness.CreateProbe();
        Join("c");
        Deliver("c", "12345");
        Deliver("c", "123");
        // No one listens; it is taken even so.
        _fanOut.Tell(new Deliver("d", new HomeRef(1, other.Ref), Line("1234567")), ActorRefs.NoSender);
        _loop.TakeOne();
        _loop.TakeOne();

        Assert.Equal(new Sent(0, 8), _home.ExpectMsg<Sent>());
        Assert.Equal(new Sent(0, 7), other.ExpectMsg<Sent>());
        Assert.False(_home.HasMessages);
    }

    [Fact]
    public void Replies_of_a_turn_leave_before_its_publications()
    {
        Client client = Join("c");
        _loop.TakeOne();
        var reply = new Reply(client.Connection, _replies);

        Deliver("c", "publication");
        reply.Send("reply");
        _loop.TakeOne();

        Assert.Equal([["reply"], ["publication"]], client.Connection.Frames);
        Assert.Single(client.Connection.Writes);
    }

    [Fact]
    public void Only_subscribers_of_a_home_without_state_are_evicted()
    {
        Client mine = Join("c", shard: 1), mineToo = Join("d", shard: 1), other = Join("e", shard: 2);
        Deliver("c", "last");

        _fanOut.Tell(new Reset(1));
        Deliver("c", "lost");
        Deliver("e", "stays");
        _loop.TakeOne();

        Subscription[] evicted = [_session.ExpectMsg<Evicted>().Subscription, _session.ExpectMsg<Evicted>().Subscription];
        Assert.Equal(new HashSet<Subscription> { mine.Subscription, mineToo.Subscription }, [.. evicted]);
        Assert.False(_session.HasMessages);
        Assert.Equal([["last"]], mine.Connection.Frames);
        Assert.Equal([["stays"]], other.Connection.Frames);
        Assert.Equal((-1, -1, 0), (mine.Subscription.Index, mineToo.Subscription.Index, other.Subscription.Index));
    }

    [Fact]
    public void A_late_unsubscribe_leaves_newer_subscriptions_alone()
    {
        Client old = Join("c", shard: 1);
        _fanOut.Tell(new Reset(1));
        Client anew = Join("c", shard: 1);

        Leave(old, id: 2);
        Deliver("c", "1");
        _loop.TakeOne();

        Assert.Equal([["1"]], anew.Connection.Frames);
        Assert.Empty(old.Connection.Frames);
        Assert.Equal(["subscribed 1", "unsubscribed 2"], old.Writer.Sent);
    }

    [Fact]
    public void Only_the_client_whose_reply_fails_is_disconnected()
    {
        Client good = Join("c");
        Client bad = NewClient("c");
        bad.Writer.FailAt("subscribed 1");
        _fanOut.Tell(new AddSubscriber(bad.Subscription, 0, s_position, 1, 80));
        Deliver("c", "1");
        _loop.TakeOne();

        Assert.False(bad.Connection.IsOpen);
        Assert.Equal([["1"]], good.Connection.Frames);
        Assert.False(_session.HasMessages);         // No one was evicted: the fan-out goes on.
    }

    [Fact]
    public void Only_the_client_with_the_failed_socket_is_disconnected()
    {
        Client first = Join("c"), bad = Join("c"), last = Join("c");
        _loop.TakeOne();
        bad.Connection.Throws = true;

        Deliver("c", "1");
        _loop.TakeOne();

        Assert.False(bad.Connection.IsOpen);
        Assert.Equal([["1"]], first.Connection.Frames);
        Assert.Equal([["1"]], last.Connection.Frames);
    }

    [Fact]
    public void A_failed_fan_out_evicts_its_subscribers_and_continues()
    {
        Client old = Join("c");
        Deliver("c", "last");
        _fanOut.Tell(new Deliver(Channel: null!, _source, Line("1")), _home.Ref);      // A name that is none.
        Client anew = Join("c");
        Leave(old, id: 2);
        Deliver("c", "2");
        _harness.RunUntil(() => anew.Connection.Writes.Count > 0, "the fan-out works on");

        Assert.Same(old.Subscription, _session.ExpectMsg<Evicted>().Subscription);
        Assert.Equal([["2"]], anew.Connection.Frames);
        Assert.Equal([["last"]], old.Connection.Frames);
        Assert.Equal("last".Length + 1, _home.ExpectMsg<Sent>().Bytes);              // Or its home would wait for ever.
        Assert.Equal(1, _home.ExpectMsg<Sent>().Bytes);
    }

    private Client NewClient(string channel, PublicationFormat? format = null)
    {
        var connection = new FakeConnection(_loop, _clients++);
        var writer = new RecordingWriter(connection, format ?? TestFormats.Json);
        return new Client(new Subscription(channel, 0, _session.Ref, writer), connection, writer);
    }

    private Client Join(string channel, int shard = 0, int bytes = 80, PublicationFormat? format = null)
    {
        Client client = NewClient(channel, format);
        _fanOut.Tell(new AddSubscriber(client.Subscription, shard, s_position, 1, bytes), _home.Ref);
        return client;
    }

    private Subscription JoinToo(Client client, string channel)
    {
        var member = new Subscription(channel, 0, _session.Ref, client.Writer);
        _fanOut.Tell(new AddSubscriber(member, 0, s_position, 1, 80), _home.Ref);
        return member;
    }

    private void Leave(Client client, uint id, int bytes = 80) =>
        _fanOut.Tell(new RemoveSubscriber(client.Subscription, id, bytes), _home.Ref);

    private void Deliver(string channel, string line) => _fanOut.Tell(new Deliver(channel, _source, Line(line)), _home.Ref);

    private static EncodedPublication Line(string line) => TestFormats.Encoded(Encoding.UTF8.GetBytes(line), null);

    /// <summary>One frame that a session has begun.</summary>
    private sealed class Reply(FakeConnection connection, LoopTurn replies) : IReplySource
    {
        private Core.Framing.FrameBatch _frame;

        public void Send(string line)
        {
            replies.Add(this);
            _frame.Append(Encoding.UTF8.GetBytes(line), replies.Pool);
        }

        public void Seal()
        {
            Core.Buffers.SharedBytes frame = _frame.Seal(out int start);
            connection.Write(frame, start);
            frame.Release();
        }
    }
}
