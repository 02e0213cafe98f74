using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Placement;

namespace Broker.Cluster.Homes;

/// <summary>
/// What this node knows of homes, and of which members drain. It takes no partition before every reachable member has told it what that
/// one knows, or has had <see cref="Patience"/> for it: a node that has just joined must not begin what another one holds.
/// </summary>
/// <remarks>Pure; for one thread.</remarks>
/// <param name="partitions">How many partitions there are.</param>
internal sealed class HomeKeeper(int partitions)
{
    /// <summary>How long a reachable member may owe its state.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly HashSet<MemberId> _draining = [];
    private readonly Dictionary<MemberId, (bool IsReachable, TimeSpan Since)> _owed = [];
    private readonly HashSet<MemberId> _known = [];

    /// <summary>The table.</summary>
    internal HomeTable Table { get; } = new(partitions);

    /// <summary>Whether this node drains; stays so.</summary>
    internal bool IsDraining { get; set; }

    /// <summary>Whether another member drains.</summary>
    internal bool Drains(MemberId member) => _draining.Contains(member);

    /// <summary>Everything, for a node that a lane has opened to.</summary>
    internal NodeState State => new(IsDraining,
        [.. Table.Entries.Select(static (entry, partition) => KeyValuePair.Create(partition, entry))
            .Where(static each => each.Value.Term > 0)]);

    /// <summary>What has changed, for all other nodes.</summary>
    internal NodeState Of(IEnumerable<int> changed) =>
        new(IsDraining, [.. changed.Select(partition => KeyValuePair.Create(partition, Table.Entries[partition]))]);

    /// <summary>The node is in no cluster.</summary>
    internal void Reset()
    {
        Table.Clear();
        _draining.Clear();
        _owed.Clear();
        _known.Clear();
    }

    /// <summary>Takes who the other members are; one that does not take part yet counts as not reachable.</summary>
    internal void Follow(IReadOnlyCollection<(MemberId Id, bool IsReachable)> others, TimeSpan now)
    {
        HashSet<MemberId> members = [.. others.Select(static each => each.Id)];
        _known.IntersectWith(members);
        _draining.IntersectWith(members);
        foreach (MemberId gone in _owed.Keys.Where(id => !members.Contains(id)).ToArray()) _owed.Remove(gone);
        foreach ((MemberId id, bool isReachable) in others)
        {
            if (_known.Contains(id)) continue;
            bool goesOn = _owed.TryGetValue(id, out (bool IsReachable, TimeSpan Since) owed) && owed.IsReachable;
            _owed[id] = (isReachable, goesOn ? owed.Since : now);
        }
    }

    /// <summary>Whether all reachable members have told what they know.</summary>
    internal bool IsComplete(TimeSpan now) => _owed.Values.All(each => !each.IsReachable || now - each.Since > Patience);

    /// <summary>Takes what another member tells.</summary>
    /// <returns>Whether anything is different now.</returns>
    internal bool OnState(MemberId from, NodeState state)
    {
        bool isFirst = _known.Add(from);
        _owed.Remove(from);
        bool drains = state.IsDraining && _draining.Add(from);
        return Table.Merge(state.Homes).Count > 0 || isFirst || drains;
    }

    /// <summary>Takes the partitions that have no home and are this node's.</summary>
    /// <returns>Those that were taken.</returns>
    internal IReadOnlyList<int> Claim(PartitionMap map, MemberId self, TimeSpan now) => IsComplete(now) ? Table.Claim(map, self) : [];
}
