using System.Collections.Immutable;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Placement;
using Broker.Cluster.Protocol.Register;

namespace Broker.Tests.Cluster;

public class PlacementTests
{
    private const int Partitions = 512;

    [Fact]
    public void Member_that_leaves_moves_only_its_own_partitions()
    {
        MembershipView five = ViewOf(5), four = new(five.Members.Take(4));
        PartitionMap before = new(Partitions, five), after = new(Partitions, four);
        for (int partition = 0; partition < Partitions; partition++)
        {
            MemberId home = before.KeptHome(partition)!.Id;
            if (four.Contains(home)) Assert.Equal(home, after.KeptHome(partition)!.Id);
            else Assert.Equal(before.Rank(partition)[1].Id, after.KeptHome(partition)!.Id);
        }
    }

    [Fact]
    public void Partitions_are_spread_evenly()
    {
        var map = new PartitionMap(Partitions, ViewOf(5));
        int[] counts =
            [.. Enumerable.Range(0, Partitions).CountBy(partition => map.KeptHome(partition)!.Id).Select(static each => each.Value)];
        Assert.Equal(5, counts.Length);
        Assert.All(counts, static each => Assert.InRange(each, 70, 140));
    }

    [Fact]
    public void Node_that_returns_with_its_store_ranks_as_before()
    {
        MembershipView before = ViewOf(3);
        var after = new MembershipView([.. before.Members.Skip(1), before.Members[0] with { Id = new MemberId(99) }]);
        for (int partition = 0; partition < Partitions; partition++)
            Assert.Equal(
                PartitionMap.RankMembers(partition, before).Select(static each => each.Store),
                    PartitionMap.RankMembers(partition, after).Select(static each => each.Store));
    }

    [Fact]
    public void Volatile_channels_follow_the_reachable_and_kept_ones_wait()
    {
        MembershipView whole = ViewOf(3);
        int partition = Enumerable.Range(0, Partitions).First(each => PartitionMap.RankMembers(each, whole)[0].Id == new MemberId(1));
        var cut = new PartitionMap(
            Partitions, new MembershipView(
                whole.Members.Select(static each => each.Id == new MemberId(1) ? each with { IsReachable = false } : each)));
        Assert.Equal(cut.Rank(partition)[1].Id, cut.VolatileHome(partition)!.Id);
        Assert.Equal(new MemberId(1), cut.KeptHome(partition)!.Id);
    }

    [Fact]
    public void Draining_member_ranks_behind_the_others()
    {
        MembershipView view =
            new(ViewOf(3).Members.Select(static each => each.Id == new MemberId(1) ? each with { IsDraining = true } : each));
        for (int partition = 0; partition < 20; partition++) Assert.Equal(new MemberId(1), PartitionMap.RankMembers(partition, view)[2].Id);
        Assert.Null(PartitionMap.RankedHome(PartitionMap.RankMembers(0, new MembershipView([view.Members[0]]))));
    }

    [Fact]
    public void Followers_are_of_other_zones_first()
    {
        ClusterMember[] members = [.. ViewOf(4).Members.Select(static (each, index) => each with { Zone = index < 3 ? "a" : "b" })];
        ImmutableArray<ClusterMember> ranked = [.. members];
        Assert.Equal(
            [new MemberId(4), new MemberId(2)], PartitionMap.ChooseFollowers(ranked, members[0], 2).Select(static each => each.Id));
        Assert.Equal(3, PartitionMap.ChooseFollowers(ranked, members[0], 9).Length);
    }

    [Fact]
    public void Partition_and_rank_of_a_name_are_the_same_for_ever()
    {
        Assert.Equal(PartitionMap.PartitionOf("news"u8, Partitions), PartitionMap.PartitionOf("news"u8.ToArray(), Partitions));
        Assert.InRange(PartitionMap.PartitionOf("news"u8, 3), 0, 2);
    }

    [Fact]
    public void Register_records_merge_in_any_order()
    {
        Term low = new(1, new MemberId(2)), high = new(2, new MemberId(1));
        var claimed = new RegisterRecord(high, null);
        var first = new RegisterRecord(low, new ReplicaSet(low, 1, low) { Stores = [new StoreId(1)] });
        var second = new RegisterRecord(low, new ReplicaSet(low, 2, low) { Stores = [new StoreId(2)] });
        var expected = new RegisterRecord(high, second.Set);
        Assert.Equal(expected, claimed.Merge(first).Merge(second));
        Assert.Equal(expected, second.Merge(claimed.Merge(first)));
        Assert.Equal(expected, expected.Merge(expected).Merge(first));
    }

    [Fact]
    public void Remembered_set_is_proven_by_all_its_replicas_only()
    {
        var set = new ReplicaSet(new Term(1, new MemberId(1)), 1, default) { Stores = [new StoreId(1), new StoreId(2)] };
        Assert.True(set.IsProvenBy([new StoreId(1), new StoreId(2), new StoreId(3)]));
        Assert.False(set.IsProvenBy([new StoreId(1), new StoreId(3)]));
    }

    private static MembershipView ViewOf(int count) =>
        new(Enumerable.Range(1, count)
            .Select(static each => new ClusterMember(new MemberId((ulong)each), new StoreId((ulong)each * 7919))));
}
