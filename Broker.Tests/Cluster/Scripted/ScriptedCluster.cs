using Broker.Cluster.Protocol.Copies;
using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;
using Broker.Cluster.Protocol.Register;

namespace Broker.Tests.Cluster.Scripted;

/// <summary>
/// One partition on a few nodes, by the protocol's own classes. Messages and operations of the register move when a test says so, and time
/// passes by <see cref="Advance"/> alone: the rare interleavings that a rule exists for are written down instead of searched for.
/// </summary>
internal sealed class ScriptedCluster(CopyRules broken = CopyRules.None)
{
    internal const string Channel = "orders";
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(50);

    private readonly List<ScriptedNode> _running = [];
    private readonly List<(ScriptedNode From, MemberId To, IPartitionMessage Message)> _inFlight = [];
    private readonly HashSet<(ScriptedNode, ScriptedNode)> _cuts = [];
    private readonly List<(ScriptedNode Home, Term Lineage, ChannelPosition Position, string Content)> _promised = [];
    private readonly List<(Term Lineage, ReplicaSet Set)> _sets = [];
    private ulong _ids = 100, _stores = 1000;

    internal CopySettings Settings { get; } = new() { Broken = broken };

    internal TimeSpan Now { get; private set; } = TimeSpan.FromHours(1);

    /// <summary>Messages that stay on their way while it is true of them.</summary>
    internal Func<ScriptedNode, ScriptedNode, IPartitionMessage, bool> Holds { get; set; } = static (_, _, _) => false;

    /// <summary>Nodes that writes of others to the register do not reach, though a majority has them.</summary>
    internal HashSet<ScriptedNode> MissWrites { get; } = [];

    /// <summary>Reads of the register are answered by a majority: these nodes first.</summary>
    internal IReadOnlyList<ScriptedNode>? ReadsMajorityOf { get; set; }

    /// <summary>The script leaves out the rule of the host that it is about.</summary>
    internal bool IsHostBroken { get; init; }

    /// <summary>What the run did that no run may do.</summary>
    internal List<string> Violations { get; } = [];

    /// <summary>What became of homes, for the message of a test that fails.</summary>
    internal List<string> Story { get; } = [];

    internal IReadOnlyList<ScriptedNode> Running => _running;

    /// <summary>Starts nodes that know each other as members, in the order of their rank, and lets the first become the home.</summary>
    internal ScriptedNode[] Form(int count)
    {
        ScriptedNode[] nodes = [.. Enumerable.Range(0, count).Select(_ => Start())];
        SetMembers(nodes);
        ScriptedNode[] ranked = [.. nodes[0].Ranked.Select(id => Find(id)!)];
        Advance(1);
        Assert.Equal(HomeState.Active, ranked[0].State);
        Assert.True(Publish(ranked[0], "first"), "The home of a new cluster did not acknowledge.");
        return ranked;
    }

    /// <summary>Starts a run of a node; a member as soon as the test says so.</summary>
    internal ScriptedNode Start(MemoryReplicaLog? log = null, StoreId store = default)
    {
        var node = new ScriptedNode(
            this, new MemberId(++_ids), store.Value != 0 ? store : new StoreId(++_stores), log ?? new MemoryReplicaLog());
        _running.Add(node);
        return node;
    }

    internal void Crash(params ScriptedNode[] nodes)
    {
        foreach (ScriptedNode each in nodes) _running.Remove(each);
        _inFlight.RemoveAll(each => nodes.Contains(each.From));
    }

    /// <summary>These are the members from now on, as these nodes see it; others keep the view that they have.</summary>
    internal void SetMembers(params ScriptedNode[] members) => SetMembers(members, draining: []);

    internal void SetMembers(IReadOnlyList<ScriptedNode> members, IReadOnlyList<ScriptedNode> draining)
    {
        var view = new MembershipView(
            members.Select(each => new ClusterMember(each.Id, each.Store) { IsDraining = draining.Contains(each) }));
        foreach (ScriptedNode each in members.Where(_running.Contains)) each.OnView(view);
    }

    /// <summary>No message passes between two nodes; the register's operations do.</summary>
    internal void Cut(ScriptedNode one, ScriptedNode other)
    {
        _cuts.Add((one, other));
        _cuts.Add((other, one));
    }

    internal ScriptedNode? Find(MemberId id) => _running.Find(each => each.Id == id);

    internal bool IsCut(ScriptedNode one, ScriptedNode other) => _cuts.Contains((one, other));

    /// <summary>Lets time pass, with heartbeats and everything that is not held or cut.</summary>
    internal void Advance(double seconds)
    {
        for (TimeSpan end = Now + TimeSpan.FromSeconds(seconds); Now < end;)
        {
            Now += s_step;
            foreach (ScriptedNode each in _running.ToArray()) each.Beat();
            Pump();
        }
    }

    /// <summary>Moves what may move until nothing does.</summary>
    internal void Pump()
    {
        for (bool hasMoved = true; hasMoved;)
        {
            hasMoved = false;
            foreach (ScriptedNode each in _running.ToArray()) hasMoved |= !each.HoldsRegister && each.StepRegister();
            foreach ((ScriptedNode from, MemberId to, IPartitionMessage message) in _inFlight.ToArray())
            {
                ScriptedNode? receiver = Find(to);
                if (receiver is not null && !IsCut(from, receiver) && Holds(from, receiver, message)) continue;
                _inFlight.Remove((from, to, message));
                hasMoved = true;
                if (receiver is not null && !IsCut(from, receiver)) receiver.Receive(from, Reread(message));
            }
        }
    }

    /// <summary>Publishes at a node, and moves what may move.</summary>
    /// <returns>Whether it was acknowledged.</returns>
    internal bool Publish(ScriptedNode node, string content)
    {
        int before = _promised.Count;
        node.Publish(content);
        Pump();
        bool isAcknowledged = _promised.Skip(before).Any(each => each.Content == content);
        Story.Add($"{node} {(isAcknowledged ? "acknowledged" : "did not acknowledge")} {content}");
        return isAcknowledged;
    }

    /// <summary>Ends the run: the home, on any node, must have what was acknowledged or delivered in its lineage.</summary>
    internal void Judge()
    {
        foreach (ScriptedNode home in _running.Where(static each => each.State == HomeState.Active))
        {
            if (_running.Exists(each => each.State == HomeState.Active && each.Term > home.Term)) continue;
            Dictionary<ulong, string> kept =
                home.Log.Read(Channel, 0, ulong.MaxValue, int.MaxValue).ToDictionary(static each => each.Offset, ScriptedNode.ContentOf);
            foreach ((_, Term lineage, ChannelPosition position, string content) in _promised)
            {
                if (lineage != home.Log.Lineage) continue;
                if (!kept.TryGetValue(position.Offset, out string? there)) Violations.Add($"{content} is not in the log of {home}");
                else if (there != content) Violations.Add($"{position} is {content}, and {there} at {home}");
            }
        }
    }

    internal void Send(ScriptedNode from, MemberId to, IPartitionMessage message) => _inFlight.Add((from, to, message));

    internal void Promise(ScriptedNode home, ChannelPosition position, string content)
    {
        foreach ((_, Term lineage, ChannelPosition other, string there) in _promised)
        {
            if (lineage == home.Log.Lineage && other == position && there != content)
                Violations.Add($"{position} is {there} and {content}");
        }

        _promised.Add((home, home.Log.Lineage, position, content));
    }

    /// <summary>A read of a node is answered with this position as the newest.</summary>
    internal void Answered(ScriptedNode node, ulong top)
    {
        ulong newest = _promised.Max(static each => each.Position.Offset);
        if (top < newest) Violations.Add($"{node} answers that {top} is the newest, and {newest} was acknowledged before");
    }

    internal void Activated(ReplicaSet set)
    {
        foreach ((Term lineage, ReplicaSet before) in _sets)
        {
            if (lineage == set.Lineage) continue;
            foreach (ScriptedNode each in _running.Where(each => before.Stores.Contains(each.Store) && each.Log.Lineage == lineage))
                Violations.Add($"Lineage {lineage} ended, and the member {each} has it");
        }

        _sets.Clear();
        _sets.Add((set.Lineage, set));
    }

    // Every message passes through its bytes.
    private static IPartitionMessage Reread(IPartitionMessage message)
    {
        Assert.Equal(System.Buffers.OperationStatus.Done, ClusterSerializer.Read(ClusterSerializer.Write(message), out var read, out _));
        return (IPartitionMessage)read!;
    }
}
