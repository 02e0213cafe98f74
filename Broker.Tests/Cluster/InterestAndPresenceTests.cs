using Broker.Cluster.Protocol.Interest;
using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;
using Broker.Cluster.Protocol.Presence;

namespace Broker.Tests.Cluster;

public class InterestAndPresenceTests
{
    private static readonly MemberId s_a = new(1), s_b = new(2), s_home = new(9);

    [Fact]
    public void Home_sends_exactly_to_nodes_that_listen()
    {
        var index = new HomeInterest();
        index.Listen(s_a, new Listen(0, 1, "c", null));
        index.Listen(s_b, new Listen(0, 1, "c", null));
        index.Unlisten(s_a, new Unlisten(0, 2, "c"));
        Assert.False(index.Listen(s_a, new Listen(0, 1, "c", null)));       // Repeated and late.
        var listeners = new List<MemberId>();
        index.CopyListeners("c", listeners);
        Assert.Equal([s_b], listeners);
        index.Evict(s_b);
        Assert.Equal(0, index.Channels);
    }

    [Fact]
    public void Different_digest_is_repaired_by_the_list()
    {
        var output = new EdgeOutput();
        EdgeInterest edge = EdgeOf(output);
        edge.OnHome(0, s_home, TimeSpan.Zero);
        edge.Subscribe("x", 0, 1, null, TimeSpan.Zero);
        edge.Subscribe("y", 0, 2, null, TimeSpan.Zero);
        output.Sent.Clear();        // The home has got nothing of it.
        edge.Tick(TimeSpan.FromSeconds(11));
        var index = new HomeInterest();
        InterestDigest digest = output.Sent.OfType<InterestDigest>().Single();
        Assert.True(index.Differs(s_a, digest));
        edge.OnWanted(s_home, new InterestWanted(0));
        index.Replace(s_a, output.Sent.OfType<InterestList>().Single());
        Assert.True(index.Listens(s_a, "x") && index.Listens(s_a, "y"));
        output.Sent.Clear();
        edge.Tick(TimeSpan.FromSeconds(22));
        Assert.False(index.Differs(s_a, output.Sent.OfType<InterestDigest>().Single()));
    }

    [Fact]
    public void Gap_is_read_from_the_home_before_later_deliveries()
    {
        var output = new EdgeOutput();
        EdgeInterest edge = Listening(output);
        edge.OnDelivery(s_home, EntryAt(1), TimeSpan.Zero);
        edge.OnDelivery(s_home, EntryAt(3), TimeSpan.Zero);
        Listen asked = output.Sent.OfType<Listen>().Last();
        Assert.Equal(new ChannelPosition(5, 1), asked.After);
        edge.OnDelivery(s_home, EntryAt(4), TimeSpan.Zero);
        edge.OnListening(
            s_home, new Listening(0, asked.Number, "c", new ChannelPosition(5, 4), true, [EntryAt(2), EntryAt(3), EntryAt(4)]),
                TimeSpan.Zero);
        edge.OnDelivery(s_home, EntryAt(4), TimeSpan.Zero);
        edge.OnDelivery(s_home, EntryAt(5), TimeSpan.Zero);
        Assert.Equal([1ul, 2, 3, 4, 5], output.Delivered);
        Assert.Empty(output.Gaps);
    }

    [Fact]
    public void Gap_that_cannot_be_filled_is_reported()
    {
        var output = new EdgeOutput();
        EdgeInterest edge = Listening(output);
        edge.OnHome(0, null, TimeSpan.Zero);
        edge.OnHome(0, s_home, TimeSpan.Zero);
        Listen asked = output.Sent.OfType<Listen>().Last();
        edge.OnListening(s_home, new Listening(0, asked.Number, "c", new ChannelPosition(6, 2), false, []), TimeSpan.Zero);
        Assert.Equal([new ChannelPosition(6, 2)], output.Gaps);
    }

    [Fact]
    public void Channel_without_listeners_lingers_then_the_home_is_notified()
    {
        var output = new EdgeOutput();
        EdgeInterest edge = Listening(output);
        edge.Unsubscribe("c", 1, TimeSpan.Zero);
        edge.Tick(TimeSpan.FromSeconds(4));
        Assert.True(edge.Knows("c"));
        edge.Tick(TimeSpan.FromSeconds(5));
        Assert.False(edge.Knows("c"));
        Assert.Single(output.Sent.OfType<Unlisten>());
    }

    [Fact]
    public void Presence_of_an_unreachable_node_is_hidden_and_of_a_removed_one_dropped()
    {
        var index = new PresenceIndex();
        Assert.False(index.Differs(s_a, new PresenceDigest(0, 1, 0, 0)));
        Assert.NotNull(index.Join(s_a, new PresenceJoin(0, 2, new PresenceEntry("c", "client", default))));
        Assert.Null(index.Join(s_a, new PresenceJoin(0, 2, new PresenceEntry("c", "other", default))));      // Late.
        index.Hide(s_a);
        Assert.Empty(index.Read("c"));
        index.Show(s_a);
        Assert.Single(index.Read("c"));
        Assert.Equal(["client"], index.Drop(s_a).Select(static each => each.Entry.Client));
        Assert.Empty(index.Read("c"));
    }

    [Fact]
    public void New_home_is_complete_when_every_reachable_node_has_reported()
    {
        var output = new EdgeOutput();
        var edge = new EdgePresence(output, TimeSpan.FromSeconds(10));
        edge.Join(0, new PresenceEntry("c", "one", new byte[] { 1 }));
        edge.Join(0, new PresenceEntry("c", "two", default));
        var view = new MembershipView(
            [new ClusterMember(s_a, new StoreId(1)), new ClusterMember(s_b, new StoreId(2)) { IsReachable = false }]);
        var index = new PresenceIndex();
        edge.OnHome(0, s_home, TimeSpan.Zero);
        Assert.True(index.Differs(s_a, output.Sent.OfType<PresenceDigest>().Last()));
        Assert.False(index.IsComplete(view));
        edge.OnWanted(s_home, new PresenceWanted(0));
        Assert.Empty(index.Replace(s_a, output.Sent.OfType<PresenceList>().Single()));       // They joined under another home.
        Assert.True(index.IsComplete(view));
        edge.Leave(0, "c", "one");
        Assert.False(index.Leave(s_a, output.Sent.OfType<PresenceLeave>().Single())!.Value.IsJoin);
        edge.Tick(TimeSpan.FromSeconds(11));
        Assert.False(index.Differs(s_a, output.Sent.OfType<PresenceDigest>().Last()));
    }

    private static LogEntry EntryAt(ulong offset) => new(LogEntryKind.Publication, offset, "c", 5, offset);

    private static EdgeInterest EdgeOf(EdgeOutput output) =>
        new(output, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(60));

    private static EdgeInterest Listening(EdgeOutput output)
    {
        EdgeInterest edge = EdgeOf(output);
        edge.OnHome(0, s_home, TimeSpan.Zero);
        edge.Subscribe("c", 0, 1, null, TimeSpan.Zero);
        edge.OnListening(
            s_home, new Listening(0, output.Sent.OfType<Listen>().Single().Number, "c", new ChannelPosition(5, 0), false, []),
                TimeSpan.Zero);
        Assert.Equal([1ul], output.Answered);
        return edge;
    }

    private sealed class EdgeOutput : IEdgeOutput, IPresenceOutput
    {
        public List<IPartitionMessage> Sent { get; } = [];

        public List<ulong> Delivered { get; } = [];

        public List<ulong> Answered { get; } = [];

        public List<ChannelPosition> Gaps { get; } = [];

        public void Send(MemberId to, IPartitionMessage message) => Sent.Add(message);

        public void Deliver(string channel, LogEntry entry) => Delivered.Add(entry.Offset);

        public void Gap(string channel, ChannelPosition position) => Gaps.Add(position);

        public void Subscribed(
            string channel, ulong request, ChannelPosition position, bool isRecovered, IReadOnlyList<LogEntry> missed) =>
                Answered.Add(request);
    }
}
