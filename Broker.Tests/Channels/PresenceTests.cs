using Broker.Actors.Channels.Presence;
using Broker.Actors.Model;

namespace Broker.Tests.Channels;

public sealed class PresenceTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(1000)]
    public void Counts_and_members_follow_joins_and_leaves(int count)
    {
        var table = new PresenceTable();
        for (int i = 0; i < count; i++) Assert.True(table.Add(new ClientInfo($"u{i % 2}", $"c{i}")));
        Assert.Equal(new PresenceCounts(count, 2), table.Counts);
        Assert.Equal(count, table.Members.Count);

        Assert.Equal("u0", table.Remove("c0")!.User);
        Assert.Null(table.Remove("c0"));
        for (int i = 1; i < count; i += 2) table.Remove($"c{i}");
        Assert.Equal(1, table.Counts.Users);
        for (int i = 0; i < count; i++) table.Remove($"c{i}");

        Assert.Equal(default, table.Counts);
        Assert.Empty(table.Members);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public void A_client_that_is_there_is_replaced(int others)
    {
        var table = new PresenceTable();
        for (int i = 0; i < others; i++) table.Add(new ClientInfo("other", $"o{i}"));
        Assert.True(table.Add(new ClientInfo("old", "c")));

        Assert.False(table.Add(new ClientInfo("new", "c")));

        Assert.Equal(new PresenceCounts(others + 1, 2), table.Counts);
        Assert.Contains(table.Members, member => member is { Client: "c", User: "new" });
    }

    [Fact]
    public void A_large_channel_skips_joins_that_left_again()
    {
        var changes = new PresenceChanges();
        Assert.False(changes.MustWait(members: 10, coalesceAbove: 10));
        Assert.True(changes.MustWait(members: 11, coalesceAbove: 10));

        changes.Add(new PresenceChange(Client("a"), HasJoined: true));
        changes.Add(new PresenceChange(Client("old"), HasJoined: false));
        changes.Add(new PresenceChange(Client("b"), HasJoined: true));
        changes.Add(new PresenceChange(Client("a"), HasJoined: false));

        Assert.Equal(2, changes.Count);
        Assert.True(changes.MustWait(members: 1, coalesceAbove: 10));    // Order holds: those that wait come first.
        Assert.Equal("-old +b", Text(changes.Take()));
        Assert.Equal(0, changes.Count);
        Assert.Empty(changes.Take());
    }

    [Fact]
    public void A_leave_and_a_rejoin_are_both_sent()
    {
        var changes = new PresenceChanges();
        changes.Add(new PresenceChange(Client("a"), HasJoined: false));
        changes.Add(new PresenceChange(Client("a"), HasJoined: true));

        Assert.Equal("-a +a", Text(changes.Take()));
    }

    private static ClientInfo Client(string id) => new("", id);

    private static string Text(IReadOnlyList<PresenceChange> changes) =>
        string.Join(' ', changes.Select(change => (change.HasJoined ? "+" : "-") + change.Member.Client));
}
