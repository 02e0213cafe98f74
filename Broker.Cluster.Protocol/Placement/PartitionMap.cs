using System.Collections.Immutable;
using System.IO.Hashing;
using Broker.Cluster.Protocol.Members;

namespace Broker.Cluster.Protocol.Placement;

/// <summary>Which members rank first for each partition, in one view of the subscription.</summary>
/// <remarks>
/// Rendezvous hashing: each member has a score for each partition, and the highest score ranks first. A member that joins or leaves changes
/// only the partitions that it ranks first for. Scores are made of the partition and the <see cref="StoreId"/>, so a node that was removed
/// and comes back with its replicas ranks where they are. All nodes with equal views compute equal ranks; the functions here are part of
/// the protocol between nodes.
/// </remarks>
public sealed class PartitionMap
{
    private readonly ImmutableArray<ClusterMember>[] _ranks;

    /// <summary>Ranks the members of a view.</summary>
    /// <param name="partitions">How many partitions the cluster has; over 0, and the same on every node.</param>
    /// <param name="view">The members.</param>
    public PartitionMap(int partitions, MembershipView view)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(partitions);
        ArgumentNullException.ThrowIfNull(view);
        View = view;
        _ranks = new ImmutableArray<ClusterMember>[partitions];
        for (int each = 0; each < partitions; each++) _ranks[each] = RankMembers(each, view);
    }

    /// <summary>How many partitions there are.</summary>
    public int Partitions => _ranks.Length;

    /// <summary>The view that was ranked.</summary>
    public MembershipView View { get; }

    /// <summary>The partition of a channel: XXH3 of the name's bytes, modulo the number of partitions.</summary>
    public static int PartitionOf(ReadOnlySpan<byte> channel, int partitions) => (int)(XxHash3.HashToUInt64(channel) % (ulong)partitions);

    /// <summary>All members whose store is known, by rank; draining and leaving ones behind the others.</summary>
    public ImmutableArray<ClusterMember> Rank(int partition) => _ranks[partition];

    /// <summary>The home of the partition's channels without history: the first that is reachable. Null if no one may take homes.</summary>
    public ClusterMember? VolatileHome(int partition)
    {
        foreach (ClusterMember each in _ranks[partition])
        {
            if (each is { IsReachable: true, TakesHomes: true }) return each;
        }

        return null;
    }

    /// <summary>Who should become the home of the partition's kept channels: the first that may take homes, reachable or not.</summary>
    public ClusterMember? KeptHome(int partition) => RankedHome(_ranks[partition]);

    /// <summary>Ranks the members for one partition.</summary>
    public static ImmutableArray<ClusterMember> RankMembers(int partition, MembershipView view)
    {
        ArgumentNullException.ThrowIfNull(view);
        return
        [
            .. view.Members
                .Where(static each => each.Store.Value != 0)
                .OrderBy(static each => each.TakesHomes ? 0 : each.TakesCopies ? 1 : 2)
                .ThenByDescending(each => Score(partition, each.Store))
                .ThenBy(static each => each.Id),
        ];
    }

    /// <summary>The first of a ranking that may take homes, or null.</summary>
    public static ClusterMember? RankedHome(ImmutableArray<ClusterMember> ranked) =>
        ranked is [{ TakesHomes: true } first, ..] ? first : null;

    /// <summary>Chooses who holds copies besides a home: by rank, and of other zones first.</summary>
    /// <param name="ranked">Of <see cref="RankMembers"/>, without those that cannot be chosen now.</param>
    /// <param name="home">The home; never chosen.</param>
    /// <param name="copies">How many are wanted; fewer are returned if there are fewer.</param>
    public static ImmutableArray<ClusterMember> ChooseFollowers(IEnumerable<ClusterMember> ranked, ClusterMember home, int copies)
    {
        ArgumentNullException.ThrowIfNull(home);
        List<ClusterMember> left = [.. ranked.Where(each => each.Id != home.Id && each.TakesCopies)];
        HashSet<string> zones = [home.Zone];
        var chosen = ImmutableArray.CreateBuilder<ClusterMember>();
        while (chosen.Count < copies && left.Count > 0)
        {
            int next = left.FindIndex(each => each.Zone.Length > 0 && !each.IsDraining && !zones.Contains(each.Zone));
            if (next < 0) next = 0;
            chosen.Add(left[next]);
            zones.Add(left[next].Zone);
            left.RemoveAt(next);
        }

        return chosen.ToImmutable();
    }

    // The finalizer of SplitMix64 over both numbers.
    private static ulong Score(int partition, StoreId store)
    {
        ulong mixed = store.Value + ((ulong)(partition + 1) * 0x9E3779B97F4A7C15);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}
