using Broker.Cluster.Homes;
using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Placement;

namespace Broker.Tests.Cluster;

/// <summary>Which member is the home of each partition, and how all nodes come to know the same.</summary>
public sealed class HomeTableTests
{
    private const int Partitions = 64;
    private static readonly MemberId s_one = new(1), s_two = new(2), s_three = new(3);

    private static PartitionMap MapOf(params MemberId[] members) =>
        new(Partitions, new MembershipView(members.Select(static id => new ClusterMember(id, new StoreId(id.Value)))));

    private static IEnumerable<KeyValuePair<int, HomeEntry>> EntriesOf(HomeTable table) =>
        table.Entries.Select(static (entry, partition) => KeyValuePair.Create(partition, entry));

    [Fact]
    public void A_node_alone_takes_everything()
    {
        var table = new HomeTable(Partitions);
        Assert.Equal(Partitions, table.Claim(MapOf(s_one), s_one).Count);
        Assert.All(table.Entries, static entry => Assert.Equal(new HomeEntry(1, s_one, 0), entry));
        Assert.Empty(table.Claim(MapOf(s_one), s_one));
    }

    [Fact]
    public void A_node_that_joins_takes_nothing_that_has_a_home()
    {
        var table = new HomeTable(Partitions);
        table.Claim(MapOf(s_one), s_one);
        Assert.Empty(table.Claim(MapOf(s_one, s_two), s_two));
        Assert.Empty(table.Claim(MapOf(s_one, s_two), s_one));
    }

    [Fact]
    public void What_a_removed_home_had_goes_to_who_ranks_first()
    {
        var table = new HomeTable(Partitions);
        table.Claim(MapOf(s_one), s_one);
        PartitionMap without = MapOf(s_two, s_three);
        var other = new HomeTable(Partitions);
        other.Merge(EntriesOf(table));
        int two = table.Claim(without, s_two).Count, three = other.Claim(without, s_three).Count;
        Assert.Equal(Partitions, two + three);
        Assert.NotEqual(0, two);
        Assert.NotEqual(0, three);
        table.Merge(EntriesOf(other));
        other.Merge(EntriesOf(table));
        Assert.Equal(table.Entries, other.Entries);
    }

    [Fact]
    public void Only_the_home_gives_a_partition_away_and_under_the_next_term()
    {
        var table = new HomeTable(Partitions);
        table.Claim(MapOf(s_one), s_one);
        Assert.False(table.TryGive(3, s_two, s_three, 9));
        Assert.True(table.TryGive(3, s_one, s_two, 9));
        Assert.Equal(new HomeEntry(2, s_two, 9), table.Entries[3]);
        Assert.False(table.TryGive(3, s_one, s_three, 10));
    }

    [Fact]
    public void Merging_is_the_same_in_any_order_and_any_number_of_times()
    {
        HomeEntry[] entries = [new(1, s_three, 0), new(3, s_one, 7), new(3, s_two, 8), new(2, s_three, 5)];
        var forward = new HomeTable(1);
        var backward = new HomeTable(1);
        foreach (HomeEntry entry in entries.Concat(entries)) forward.Merge([new(0, entry)]);
        foreach (HomeEntry entry in entries.Reverse()) backward.Merge([new(0, entry)]);
        Assert.Equal(new HomeEntry(3, s_two, 8), forward.Entries[0]);
        Assert.Equal(forward.Entries, backward.Entries);
        Assert.Empty(forward.Merge([new(5, entries[0])]));
    }

    [Fact]
    public void Nothing_is_taken_before_every_reachable_node_has_sent_its_state()
    {
        var keeper = new HomeKeeper(Partitions);
        PartitionMap map = MapOf(s_one, s_two);
        keeper.Follow([(s_two, true)], TimeSpan.Zero);
        Assert.Empty(keeper.Claim(map, s_one, TimeSpan.FromSeconds(1)));
        Assert.True(keeper.OnState(s_two, new NodeState(false, [])));
        Assert.NotEmpty(keeper.Claim(map, s_one, TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public void A_node_that_sends_nothing_is_not_waited_for_forever()
    {
        var keeper = new HomeKeeper(Partitions);
        keeper.Follow([(s_two, true)], TimeSpan.Zero);
        Assert.False(keeper.IsComplete(HomeKeeper.Patience));
        Assert.True(keeper.IsComplete(HomeKeeper.Patience + TimeSpan.FromMilliseconds(1)));
        keeper.Follow([(s_two, false)], TimeSpan.Zero);
        Assert.True(keeper.IsComplete(TimeSpan.Zero));
    }

    [Fact]
    public void A_state_comes_out_of_its_bytes_and_strange_bytes_are_none()
    {
        var state = new NodeState(true, [new(7, new HomeEntry(3, s_two, 11)), new(63, new HomeEntry(1, s_one, 0))]);
        NodeState read = NodeState.Read(state.ToBytes())!;
        Assert.True(read.IsDraining);
        Assert.Equal(state.Homes, read.Homes);
        Assert.Null(NodeState.Read([0, 255, 255, 255, 255]));
        Assert.Null(NodeState.Read([1]));
    }
}
