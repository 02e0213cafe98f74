using Broker.Actors.Limits;
using Xunit;

namespace Broker.Tests.Limits;

public sealed class RateTableTests
{
    private static readonly Rates s_rates = new(new SharedRateSettings { Connects = 1 }, resumeCommands: 1, resumeBytes: 1);

    [Fact]
    public void Entries_in_use_are_shared_and_stay()
    {
        var table = new RateTable<string>(s_rates, unusedMax: 1);
        SharedBuckets first = table.Acquire("a"), second = table.Acquire("a");
        for (int i = 0; i < 10; i++) Use(table, $"other {i}", 0);

        Assert.Same(first, second);
        Assert.True(first.TryTake(LimitKind.Connects, 2, 1000));
        Assert.False(second.TryTake(LimitKind.Connects, 1, 1000));
        Assert.Same(first, table.Acquire("a"));
        Assert.Equal(2, table.Count);
    }

    [Fact]
    public void Beyond_the_bound_the_longest_unused_is_dropped()
    {
        var table = new RateTable<string>(s_rates, unusedMax: 2);
        foreach (string key in (string[])["a", "b", "a", "c"]) Use(table, key, 0);

        Assert.Equal(2, table.Count);
        Assert.True(Take(table, "b"));      // New, and so full; this drops the next.
        Assert.False(Take(table, "c"));
    }

    [Fact]
    public void Entries_that_are_full_again_are_dropped()
    {
        var table = new RateTable<string>(s_rates, unusedMax: 1000);
        for (int i = 0; i < 100; i++) Use(table, $"{i}", 0);
        Use(table, "late", 3000);

        Assert.Equal(1, table.Count);
    }

    private static void Use(RateTable<string> table, string key, long now)
    {
        table.Acquire(key).TryTake(LimitKind.Connects, 2, now);
        table.Release(key, now);
    }

    private static bool Take(RateTable<string> table, string key)
    {
        bool isTaken = table.Acquire(key).TryTake(LimitKind.Connects, 2, 0);
        table.Release(key, 0);
        return isTaken;
    }
}
