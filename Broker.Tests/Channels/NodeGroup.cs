using System.Text;
using Akka.Actor;
using Akka.TestKit;
using Broker.Actors.Channels.Delivery;
using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Home;
using Broker.Actors.Channels.Namespaces;
using Broker.Actors.Channels.Relay;
using Broker.Actors.Model;
using Broker.Core.Counting;
using Broker.Tests.Support;
using Microsoft.Extensions.Time.Testing;
using static Broker.Actors.Channels.Delivery.ChannelProtocol;

namespace Broker.Tests.Channels;

/// <summary>Homes and relays of several nodes with one partition, on the test's own thread; the test carries their messages.</summary>
internal sealed class NodeGroup
{
    private static readonly ChannelNamespaces s_namespaces = new(new ChannelNamespace { Presence = true, JoinLeave = JoinLeave.On },
    [
        new ChannelNamespace { Name = "kept", History = new HistoryOptions { Size = 1000, Ttl = TimeSpan.FromMinutes(9) },
            Recovery = true },
    ]);

    private readonly Queue<(Lane From, byte[] Message)> _messages = new();
    private readonly FakeTimeProvider _time = new();

    internal NodeGroup(Func<TestProbe> makeProbe, params string[] names)
    {
        Nodes = [.. names.Select(name => new Node(this, name, makeProbe()))];
        Home = names[0];
        foreach (Node node in Nodes)
        {
            foreach (Node other in Nodes.Where(other => other != node)) node.Connect(other);
        }

        Inform();
    }

    internal IReadOnlyList<Node> Nodes { get; }

    /// <summary>The home that the directory names, and the number of the move that made it so.</summary>
    internal string Home { get; private set; }

    internal ulong Move { get; private set; }

    /// <summary>Who ranks first; null leaves the partition where it is.</summary>
    internal string? Wanted { get; set; }

    private readonly HashSet<NodeSerializer.Kind> _sent = [];

    /// <summary>Whether a node has sent a message of a kind.</summary>
    internal bool HasSent(NodeSerializer.Kind kind) => _sent.Contains(kind);

    /// <summary>Messages that are lost, by their kind.</summary>
    internal HashSet<NodeSerializer.Kind> Lost { get; } = [];

    internal long Milliseconds { get; set; }

    /// <summary>Carries all messages that are on their way, and those that they cause.</summary>
    internal void Carry(int most = int.MaxValue)
    {
        for (; most > 0 && _messages.TryDequeue(out (Lane From, byte[] Message) next); most--)
        {
            if (next.From.IsEnded || Lost.Contains(NodeSerializer.KindOf(next.Message))) continue;
            next.From.To.Relay.Handle(new NodeEvents.Arrived(next.From.Back, [(0, next.Message)]));
        }
    }

    /// <summary>All nodes learn who the home is.</summary>
    internal void Inform()
    {
        foreach (Node node in Nodes)
        {
            (node.KnownHome, node.KnownMove, node.KnownWanted) = (Home, Move, Wanted);
            node.Relay.OnNodesChanged();
        }
    }

    /// <summary>Until nothing happens any more.</summary>
    internal void Settle()
    {
        for (int i = 0; i < 20; i++)
        {
            Carry();
            Inform();
            Milliseconds += 64;
            foreach (Node node in Nodes) node.Relay.TickNodes();
        }
    }

    internal sealed class Lane(NodeGroup group, Node from, Node to) : INodeLane
    {
        internal Node To => to;

        internal Lane Back => to.Lanes[from.Name];

        internal bool IsEnded { get; set; }

        public string Node => to.Name;

        public bool Send(int partition, byte[] message, bool mayDrop = false)
        {
            if (IsEnded) return false;
            group._messages.Enqueue((this, message));
            group._sent.Add(NodeSerializer.KindOf(message));
            return true;
        }

        public void Close(string reason) => Assert.Fail($"{from.Name} closed its lane to {to.Name}: {reason}");
    }

    internal sealed class Node : INodeDirectory, IHomeThread
    {
        private readonly NodeGroup _group;
        private readonly TestProbe _fanOut;

        internal Node(NodeGroup group, string name, TestProbe fanOut)
        {
            _group = group;
            _fanOut = fanOut;
            Name = name;
            var context = new ChannelContext([fanOut.Ref], TestFormats.All, new ChannelSettings())
                { Homes = new ChannelHomeContext(s_namespaces, new HistorySettings(), group._time), Nodes = this };
            Relay = new ChannelRelay(
                new ChannelHome(context.Homes, context.StoreOf(0), this), new HomeRef(0, fanOut.Ref), context, new LoopCounters(), this,
                    static () => { }, () => group.Milliseconds, static () => { });
        }

        internal string Name { get; }

        internal ChannelRelay Relay { get; }

        internal Dictionary<string, Lane> Lanes { get; } = [];

        internal string KnownHome { get; set; } = "";

        internal ulong KnownMove { get; set; }

        internal string? KnownWanted { get; set; }

        /// <summary>Publications that its loop was given, in their order: offset and data.</summary>
        internal List<string> Delivered { get; } = [];

        /// <summary>Joins and leaves that its loop was given.</summary>
        internal int Announced { get; private set; }

        internal void Connect(Node other) => Lanes[other.Name] = new Lane(_group, this, other);

        /// <summary>The lane to another node breaks, on both sides; another one takes its place.</summary>
        internal void Break(Node other)
        {
            Lane here = Lanes[other.Name], there = other.Lanes[Name];
            here.IsEnded = there.IsEnded = true;
            Connect(other);
            other.Connect(this);
            Relay.OnLaneEnded(here);
            other.Relay.OnLaneEnded(there);
        }

        internal Subscription Subscribe(string channel, string client, TestProbe session)
        {
            Assert.True(s_namespaces.TryResolve(channel, out ChannelNamespace? options, out _));
            var subscription =
                new Subscription(channel, 0, session.Ref, new RecordingWriter(new FakeConnection(new FakeLoop(0)), TestFormats.Json))
                { Namespace = options, Info = new ClientInfo(client, client) };
            Relay.Handle(new Subscribe(subscription, 1, 0));
            return subscription;
        }

        internal void Unsubscribe(Subscription subscription) => Relay.Handle(new Unsubscribe(subscription, 2, 0));

        internal void Publish(string channel, string data, TestProbe session, string key = "") => Relay.Handle(
            new Publish(channel, new Publication { Data = Encoding.UTF8.GetBytes(data), IsJson = true }, session.Ref, 3, 0)
                { Options = new PublishOptions { IdempotencyKey = key } });

        internal void ReadPresence(string channel, TestProbe session) =>
            Relay.ReadPresence(new ReadPresence(channel, false, session.Ref, 4, 0));

        internal void ReadHistory(string channel, TestProbe session) =>
            Relay.Handle(new ReadHistory(channel, HistoryQuery.All, session.Ref, 5, 0));

        /// <summary>Takes what its loop was given.</summary>
        internal Node Look()
        {
            while (_fanOut.HasMessages)
            {
                if (_fanOut.ReceiveOne(TimeSpan.Zero) is not Deliver deliver) continue;
                if (deliver.Publication.IsPresence) Announced++;
                else Delivered.Add(Encoding.UTF8.GetString(deliver.Publication[TestFormats.Json.Encoding.Slot]!));
            }

            return this;
        }

        public int Partitions => 1;

        public int PartitionOf(string channel) => 0;

        public HomeWay WayTo(int partition, bool isKept) =>
            KnownHome == Name ? new HomeWay(IsHere: true, null) : new HomeWay(IsHere: false, Lanes.GetValueOrDefault(KnownHome));

        public INodeLane? MoveTo(int partition) =>
            KnownHome == Name && KnownWanted is { } wanted && wanted != Name ? Lanes[wanted] : null;

        public ulong? MoveOf(int partition) => KnownHome == Name ? KnownMove : null;

        public void Give(int partition, string node, ulong move) => (_group.Home, _group.Move) = (node, move);

        public INodeLane? LaneTo(string node, int partition) => Lanes.GetValueOrDefault(node);

        public void Post(Action action) => action();
    }
}
