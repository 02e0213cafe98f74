using System.Collections.Immutable;

namespace Broker.Cluster.Protocol.Members;

/// <summary>
/// The members of the cluster as one node sees them at one moment. Views of different nodes differ for a while after each change.
/// </summary>
public sealed class MembershipView
{
    private readonly Dictionary<MemberId, ClusterMember> _byId;

    /// <summary>Makes a view.</summary>
    /// <param name="members">Each member once, in any order.</param>
    public MembershipView(IEnumerable<ClusterMember> members)
    {
        Members = [.. members.OrderBy(static each => each.Id)];
        _byId = Members.ToDictionary(static each => each.Id);
    }

    /// <summary>No one.</summary>
    public static MembershipView Empty { get; } = new([]);

    /// <summary>By their ids, ascending.</summary>
    public ImmutableArray<ClusterMember> Members { get; }

    /// <summary>The failure detector receives each of them.</summary>
    public bool IsWhole => Members.All(static each => each.IsReachable);

    /// <summary>The fewest members that are more than half.</summary>
    public int Majority => (Members.Length / 2) + 1;

    /// <summary>Whether this is a member.</summary>
    public bool Contains(MemberId id) => _byId.ContainsKey(id);

    /// <summary>The member, or null.</summary>
    public ClusterMember? Find(MemberId id) => _byId.GetValueOrDefault(id);

    /// <summary>The member that has this store, or null.</summary>
    public ClusterMember? FindStore(StoreId store)
    {
        foreach (ClusterMember each in Members)
        {
            if (each.Store == store) return each;
        }

        return null;
    }
}
