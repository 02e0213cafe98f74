using System.Buffers.Binary;
using Broker.Cluster.Protocol.Copies;
using Broker.Cluster.Protocol.Interest;
using Broker.Cluster.Protocol.Log;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Messages;
using Broker.Cluster.Protocol.Presence;
using Broker.Cluster.Protocol.Register;

namespace Broker.Tests.Cluster.Simulation;

/// <summary>One run of a node: the protocol's own classes, and around them what a host does.</summary>
internal sealed partial class SimulatedNode : IPartitionOutput, IEdgeOutput, IPresenceOutput
{
    private readonly TimeSpan _clockOffset;
    private readonly double _clockRate;
    private readonly PeerActivity _activity;
    private readonly RegisterRecord[] _register;
    private readonly Dictionary<MemberId, TimeSpan> _badSince = [];
    private readonly HashSet<MemberId> _unreachable = [];
    private readonly HashSet<MemberId> _up = [];
    private readonly Dictionary<MemberId, TimeSpan> _receivedAt = [];
    private HashSet<MemberId> _members = [];
    private TimeSpan _heartbeatAt;

    internal SimulatedNode(SimulatedWorld world, int machine, MemberId id, SimulatedStore store)
    {
        World = world;
        Machine = machine;
        Id = id;
        Store = store;
        _clockOffset = TimeSpan.FromSeconds(world.Seconds(0, 1000));
        _clockRate = world.Seconds(0.98, 1.02);
        WallSkewMilliseconds = (long)world.Seconds(-3_600_000, 3_600_000);
        _activity = new PeerActivity(id, TimeSpan.FromSeconds(2));
        int count = world.Options.Partitions;
        _register = [.. Enumerable.Repeat(RegisterRecord.Empty, count)];        // The engine's, in memory: it begins empty.
        Partitions =
            [.. Enumerable.Range(0, count)
                .Select(each =>
                new Partition(
                    each, store.Logs[each], store.Id, _activity, world.Settings, world.Random, (ulong)world.Now.TotalMilliseconds, this))];
        Interest = new HomeInterest?[count];
        Presence = new PresenceIndex?[count];
        _edgeHomes = new (MemberId? Home, Term Term)[count];
        _edge = new EdgeInterest(this, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(0.5));
        _edgePresence = new EdgePresence(this, TimeSpan.FromSeconds(10));
    }

    internal SimulatedWorld World { get; }

    internal int Machine { get; }

    internal MemberId Id { get; }

    internal SimulatedStore Store { get; }

    internal TimeSpan PausedUntil { get; set; }

    /// <summary>What came while it pauses.</summary>
    internal Queue<Action<SimulatedNode>> Deferred { get; } = new();

    internal bool IsDraining { get; set; }

    internal bool IsLeaving { get; set; }

    internal bool IsMember => World.Membership.IsMember(Id);

    internal MembershipView View { get; private set; } = MembershipView.Empty;

    internal IReadOnlyList<Partition> Partitions { get; }

    internal HomeInterest?[] Interest { get; }

    internal PresenceIndex?[] Presence { get; }

    private long WallSkewMilliseconds { get; }

    private TimeSpan Now => _clockOffset + (World.Now * _clockRate);

    public override string ToString() => $"node {Machine} ({Id})";

    internal void Begin() => World.After(World.Seconds(0, 0.1), Beat);

    /// <summary>One turn of the node's loop.</summary>
    internal void Turn(Action action)
    {
        _activity.Observe(Now);
        action();
        FollowHomes();
        foreach (Partition each in Partitions) each.Flush(Now);
    }

    internal bool Serves(MemberId peer) => _members.Contains(peer) || World.Options.BrokenHost.HasFlag(HostRules.ServeMembersOnly);

    internal void SetMembers(IEnumerable<MemberId> members)
    {
        HashSet<MemberId> before = _members;
        _members = [.. members];
        foreach (MemberId each in before.Except(_members))
        {
            _activity.Evict(each);
            _up.Remove(each);
            foreach (HomeInterest? index in Interest) index?.Evict(each);
            if (!World.Options.BrokenHost.HasFlag(HostRules.DropRemoved)) foreach (PresenceIndex? index in Presence) index?.Drop(each);
        }

        RefreshView();
        foreach (MemberId each in _members)
        {
            if (each != Id) World.Network.Connect(Id, each);
        }
    }

    internal void OnLinkDown(MemberId peer)
    {
        _up.Remove(peer);
        foreach (HomeInterest? index in Interest) index?.Evict(peer);
        for (int partition = 0; partition < _edgeHomes.Length; partition++)
        {
            if (_edgeHomes[partition].Home == peer) SetEdgeHome(partition, (null, Term.None));
        }
    }

    /// <summary>Whether the engine's register on this node holds a set.</summary>
    internal bool KnowsSet(int partition) => _register[partition].Set is not null;

    internal void OnLinkUp(MemberId peer)
    {
        _up.Add(peer);
        _activity.Received(peer, Now);
        _receivedAt[peer] = World.Now;
        foreach (Partition each in Partitions) each.OnLaneUp(peer);
    }

    internal void Receive(MemberId from, IClusterMessage message)
    {
        if (from != Id && !Serves(from)) return;
        if (from != Id) _activity.Received(from, Now);
        _receivedAt[from] = World.Now;
        if (message is IPartitionMessage about) Handle(from, about);
    }

    /// <summary>Whether more than half of the members sent something that arrived here within the time.</summary>
    internal bool WasSentByMajority(TimeSpan limit) =>
        _members.Count(
            each => each == Id || (_receivedAt.TryGetValue(each, out TimeSpan at) && World.Now - at <= limit)) > _members.Count / 2;

    // --- the register of the engine

    public void ReadRegister(int partition, ulong operation)
    {
        MemberId[] asked = [.. _members];
        int needed = World.Options.BrokenHost.HasFlag(HostRules.ReadFromAll) ? (asked.Length / 2) + 1 : asked.Length, got = 0;
        bool isOver = false;
        RegisterRecord merged = RegisterRecord.Empty;
        foreach (MemberId each in asked)
        {
            World.Network.SendEngine(Id, each, node =>
            {
                RegisterRecord known = node._register[partition];
                World.Network.SendEngine(each, Id, self =>
                {
                    merged = merged.Merge(known);
                    if (isOver || ++got < needed) return;
                    isOver = true;
                    self.SetRegister(partition, merged);
                    self.Partitions[partition].OnRegisterRead(operation, merged, self.Now);
                });
            });
        }

        World.After(1, () => World.Membership.Run(Id, self =>
        {
            if (isOver) return;
            isOver = true;
            self.Partitions[partition].OnRegisterRead(operation, null, self.Now);
        }));
    }

    public void WriteRegister(int partition, ulong operation, RegisterRecord change)
    {
        if (change.Set is not null) World.Checker.Written(partition, change.Set);
        SetRegister(partition, change);
        RegisterRecord written = _register[partition];
        MemberId[] asked = [.. _members];
        int needed = (asked.Length / 2) + 1, got = 0;
        bool isOver = false;
        foreach (MemberId each in asked)
        {
            World.Network.SendEngine(Id, each, node =>
            {
                node.SetRegister(partition, written);
                World.Network.SendEngine(each, Id, self =>
                {
                    if (isOver || ++got < needed) return;
                    isOver = true;
                    self.Partitions[partition].OnRegisterWritten(operation, isWritten: true, self.Now);
                });
            });
        }

        World.After(1, () => World.Membership.Run(Id, self =>
        {
            if (isOver) return;
            isOver = true;
            self.Partitions[partition].OnRegisterWritten(operation, isWritten: false, self.Now);
        }));
    }

    private void SetRegister(int partition, RegisterRecord record)
    {
        RegisterRecord merged = _register[partition].Merge(record);
        if (merged == _register[partition]) return;
        _register[partition] = merged;
        World.After(0.0001,
            () => World.Membership.Run(Id, self => self.Partitions[partition].OnRegister(self._register[partition], self.Now)));
    }

    private void Gossip()
    {
        MemberId[] peers = [.. _members.Where(each => each != Id)];
        if (peers.Length == 0) return;
        RegisterRecord[] known = [.. _register];
        World.Network.SendEngine(Id, peers[World.Random.Next(peers.Length)], node =>
        {
            for (int each = 0; each < known.Length; each++) node.SetRegister(each, known[each]);
        });
    }

    // --- time

    private void Beat()
    {
        if (World.Membership.Find(Id) != this) return;
        if (World.Now < PausedUntil)
        {
            World.At(PausedUntil + TimeSpan.FromTicks(2), Beat);
            return;
        }

        Turn(() =>
        {
            if (View.Members.Length == 0) return;
            if (World.Now - _heartbeatAt >= TimeSpan.FromMilliseconds(200))
            {
                _heartbeatAt = World.Now;
                foreach (MemberId each in _members)
                {
                    if (each != Id) World.Network.Send(this, each, Heartbeat.Instance);
                }
            }

            if (World.Chance(0.15)) Gossip();
            WatchReachability();
            foreach (Partition each in Partitions)
            {
                if (World.Options.Rivals && !World.IsQuiet && World.Chance(0.01)) each.ClaimAgainstRank();
                each.Tick(Now);
            }

            _edge.Tick(Now);
            if (!World.Options.BrokenHost.HasFlag(HostRules.Digests)) _edgePresence.Tick(Now);
            RetryPublications();
        });
        World.After(World.Seconds(0.09, 0.11), Beat);
    }

    // What the engine's failure detector says: bad for 3 s is unreachable.
    private void WatchReachability()
    {
        bool hasChanged = false;
        foreach (MemberId each in _members)
        {
            if (each == Id) continue;
            SimulatedNode? peer = World.Membership.Find(each);
            bool isBad =
                peer is null || !World.Network.IsLinked(Id, each) || !World.Network.IsLinked(each, Id) || World.Now < peer.PausedUntil;
            if (!isBad) _badSince.Remove(each);
            else _badSince.TryAdd(each, World.Now);
            bool isUnreachable = isBad && World.Now - _badSince[each] > TimeSpan.FromSeconds(3);
            hasChanged |= isUnreachable ? _unreachable.Add(each) : _unreachable.Remove(each);
        }

        if (hasChanged) RefreshView();
    }

    private void RefreshView()
    {
        View = new MembershipView(
            _members.Select(each => World.Membership.Describe(each) with { IsReachable = !_unreachable.Contains(each) }));
        foreach (Partition each in Partitions) each.OnView(View, Now);
        foreach (PresenceIndex? index in Presence)
        {
            foreach (ClusterMember each in View.Members)
            {
                if (each.IsReachable) index?.Show(each.Id);
                else index?.Hide(each.Id);
            }
        }
    }

    private static byte[] BytesOf(int id)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, id);
        return bytes;
    }

    internal static int IdOf(LogEntry entry) => BinaryPrimitives.ReadInt32LittleEndian(entry.Data.Span);
}
