using Broker.Cluster.Protocol.Members;

namespace Broker.Tests.Cluster.Simulation;

/// <summary>
/// What the engine does: who is a member, who is unreachable, which side of a split stays. A side with a majority of the members stays
/// (half, with the lowest id); the others end and join again with their stores. Views of the nodes change one after the other.
/// </summary>
internal sealed class SimulatedMembership(SimulatedWorld world)
{
    private readonly Dictionary<MemberId, SimulatedNode> _running = [];
    private readonly Dictionary<MemberId, SimulatedNode> _all = [];
    private readonly HashSet<MemberId> _members = [];
    private readonly List<SimulatedNode> _joining = [];
    private ulong _ids = 100;
    private ulong _stores = 1000;

    internal IEnumerable<SimulatedNode> Running => _running.Values;

    internal IEnumerable<SimulatedNode> Members => _members.Where(_running.ContainsKey).Select(id => _running[id]);

    internal Dictionary<MemberId, TimeSpan> EndedAt { get; } = [];

    /// <summary>When all processes had ended and a cluster began again; null if none did.</summary>
    internal TimeSpan? ColdStartAt { get; private set; }

    internal SimulatedNode? Find(MemberId id) => _running.GetValueOrDefault(id);

    /// <summary>What all knows of a member, dead or alive.</summary>
    internal ClusterMember Describe(MemberId id) =>
        new(id, _all[id].Store.Id) { IsDraining = _all[id].IsDraining, IsLeaving = _all[id].IsLeaving };

    internal bool IsMember(MemberId id) => _members.Contains(id);

    /// <summary>Lets a running node do something as soon as it is not paused.</summary>
    internal void Run(MemberId id, Action<SimulatedNode> action)
    {
        if (!_running.TryGetValue(id, out SimulatedNode? node)) return;
        if (world.Now >= node.PausedUntil && node.Deferred.Count == 0)
        {
            node.Turn(() => action(node));
            return;
        }

        node.Deferred.Enqueue(action);
        if (node.Deferred.Count == 1) world.At(node.PausedUntil + TimeSpan.FromTicks(1), () => Resume(node));
    }

    // What came during a pause is done in the order in which it came.
    private void Resume(SimulatedNode node)
    {
        if (!_running.ContainsKey(node.Id)) return;
        if (world.Now < node.PausedUntil)
        {
            world.At(node.PausedUntil + TimeSpan.FromTicks(1), () => Resume(node));
            return;
        }

        while (node.Deferred.TryPeek(out Action<SimulatedNode>? action))
        {
            node.Turn(() => action(node));
            node.Deferred.Dequeue();
        }
    }

    internal void Found(int machine)
    {
        SimulatedNode node = Start(machine, NewStore());
        _members.Add(node.Id);
        if (_members.Count == world.Options.Nodes) foreach (SimulatedNode each in Running) each.SetMembers(_members);
    }

    internal void Crash(SimulatedNode node)
    {
        if (!_running.ContainsKey(node.Id)) return;
        world.Count("crashes");
        world.Trace($"{node} crashes");
        End(node);
        world.After(world.Seconds(8, 11), Resolve);
        bool hasDisk = world.Chance(0.5);
        if (!hasDisk) world.Count("crashes without disk");
        bool keepsId = world.Options.BrokenHost.HasFlag(HostRules.NewStoreNewId);
        SimulatedStore store = hasDisk ? node.Store : keepsId ? new SimulatedStore(node.Store.Id, world.Options.Partitions) : NewStore();
        world.After(world.Seconds(0.5, 20),
            () => Restart(node, store));
    }

    /// <summary>A node shuts down: it drains, leaves, ends, and starts again.</summary>
    internal void Leave(SimulatedNode node)
    {
        if (world.Options.Length - world.Now < TimeSpan.FromSeconds(52) || !node.IsMember || node.IsDraining
            || _members.Count <= (world.Options.Nodes / 2) + 1) return;
        world.Count("leaves");
        world.Trace($"{node} drains");
        node.IsDraining = true;
        Spread();
        world.After(world.Seconds(5, 12), () =>
        {
            if (!_running.ContainsKey(node.Id)) return;
            node.IsLeaving = true;
            Spread();
        });
        world.After(world.Seconds(15, 18), () =>
        {
            if (!_running.ContainsKey(node.Id)) return;
            world.Trace($"{node} leaves");
            Remove(node.Id);
            End(node);
            world.After(world.Seconds(1, 5), () => Restart(node, world.Chance(0.5) ? node.Store : NewStore()));
        });
    }

    /// <summary>The split-brain resolver decides.</summary>
    internal void Resolve()
    {
        List<List<MemberId>> parts = Parts();
        if (parts.Count <= 1) return;
        int members = _members.Count;
        MemberId lowest = _members.Min();
        List<MemberId>? stays =
            parts.Find(part => (part.Count * 2 > members || (part.Count * 2 == members && part.Contains(lowest)))
                && part.Exists(_running.ContainsKey));
        world.Trace($"resolves {string.Join(" | ", parts.Select(static part => string.Join(',', part)))}: {
            (stays is null ? "none" : string.Join(',', stays))} stays");
        foreach (MemberId each in _members.ToArray())
        {
            if (stays is not null && stays.Contains(each)) continue;
            Remove(each);
            if (!_running.TryGetValue(each, out SimulatedNode? node)) continue;
            world.After(world.Seconds(0, 2), () =>
            {
                if (!_running.ContainsKey(node.Id)) return;
                world.Count("downed");
                world.Trace($"{node} is downed");
                End(node);
                world.After(world.Seconds(1, 2), () => Restart(node, node.Store));
            });
        }
    }

    private List<List<MemberId>> Parts()
    {
        var parts = new List<List<MemberId>>();
        HashSet<MemberId> left = [.. _members];
        while (left.Count > 0)
        {
            var part = new List<MemberId>();
            var open = new Queue<MemberId>([left.Min()]);
            left.Remove(open.Peek());
            while (open.TryDequeue(out MemberId next))
            {
                part.Add(next);
                if (!_running.ContainsKey(next)) continue;
                foreach (MemberId other in left.ToArray())
                {
                    if (!_running.ContainsKey(other) || !world.Network.IsLinked(next, other) || !world.Network.IsLinked(other, next))
                        continue;
                    left.Remove(other);
                    open.Enqueue(other);
                }
            }

            parts.Add(part);
        }

        return parts;
    }

    private void Restart(SimulatedNode before, SimulatedStore store)
    {
        if (Running.Any(each => each.Machine == before.Machine)) return;
        if (_members.Contains(before.Id)) Remove(before.Id);        // The same address joins again, so its run before is gone.
        SimulatedNode node = Start(before.Machine, store);
        world.Trace($"{node} starts with store {store.Id}");
        Join(node);
    }

    // Without a cluster one forms when enough nodes have come.
    private void Join(SimulatedNode node)
    {
        _joining.RemoveAll(each => !_running.ContainsKey(each.Id));
        bool hasCluster = _members.Any(_running.ContainsKey);
        _joining.Add(node);
        if (!hasCluster && _joining.Count < (world.Options.Nodes / 2) + 1) return;
        if (!hasCluster)
        {
            world.Count("cold starts");
            ColdStartAt = world.Now;
        }

        foreach (SimulatedNode each in _joining.ToArray())
        {
            _members.Add(each.Id);
            world.Count("joins");
        }

        SimulatedNode[] joined = [.. _joining];
        _joining.Clear();
        foreach (SimulatedNode each in joined)
            world.After(0.2, () => Run(each.Id, static known => known.SetMembers(known.World.Membership._members)));
        Spread();
    }

    private SimulatedNode Start(int machine, SimulatedStore store)
    {
        var node = new SimulatedNode(world, machine, new MemberId(++_ids), store);
        _running[node.Id] = node;
        _all[node.Id] = node;
        node.Begin();
        return node;
    }

    private SimulatedStore NewStore() => new(new StoreId(++_stores), world.Options.Partitions);

    private void End(SimulatedNode node)
    {
        _running.Remove(node.Id);
        EndedAt[node.Id] = world.Now;
        world.Network.Drop(node.Id);
        foreach (SimulatedClient each in world.Clients) each.OnNodeEnded(node);
    }

    private void Remove(MemberId id)
    {
        _members.Remove(id);
        Spread();
    }

    // Every node that is still a member learns the members a little later than the others. Nodes on the losing side learn nothing any more.
    private void Spread()
    {
        foreach (SimulatedNode each in Members)
            world.After(world.Seconds(0.2, 1.5),
                () => { if (_members.Contains(each.Id)) Run(each.Id, node => node.SetMembers(_members)); });
    }
}
