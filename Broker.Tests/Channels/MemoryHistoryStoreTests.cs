using System.Text;
using Broker.Actors.Channels.History;
using Broker.Actors.Model;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Channels;

public sealed class MemoryHistoryStoreTests
{
    private static readonly HistoryOptions s_three = new() { Size = 3, Ttl = TimeSpan.FromMinutes(1), MetaTtl = TimeSpan.FromHours(1) };

    private readonly FakeTimeProvider _time = new();
    private readonly HistoryBudget _budget = new(1 << 20);
    private readonly MemoryHistoryStore _store;

    public MemoryHistoryStoreTests() => _store = new MemoryHistoryStore(_time, _budget);

    [Fact]
    public void Offsets_count_from_one_in_one_epoch()
    {
        AppendResult first = Append("a", "1"), second = Append("a", "2");

        Assert.Equal((1UL, 2UL), (first.Position.Offset, second.Position.Offset));
        Assert.Equal(first.Position.Epoch, second.Position.Epoch);
        Assert.Equal(2UL, second.Added.Offset);
        Assert.NotEqual(first.Position.Epoch, Append("b", "1").Position.Epoch);
    }

    [Fact]
    public void The_oldest_beyond_the_size_are_removed()
    {
        for (int i = 1; i <= 10; i++) Append("a", $"{i}");

        Assert.Equal("8 9 10", Texts(Read("a")));
        Assert.Equal(10UL, Read("a").Top.Offset);
    }

    [Theory]
    [InlineData(0UL, -1, false, "3 4 5")]
    [InlineData(2UL, -1, false, "3 4 5")]
    [InlineData(3UL, -1, false, "4 5")]
    [InlineData(5UL, -1, false, "")]
    [InlineData(9UL, -1, false, "")]
    [InlineData(3UL, 1, false, "4")]
    [InlineData(3UL, 0, false, "")]
    [InlineData(5UL, -1, true, "4 3")]
    [InlineData(9UL, -1, true, "5 4 3")]
    [InlineData(5UL, 1, true, "4")]
    [InlineData(3UL, -1, true, "")]
    [InlineData(1UL, -1, true, "")]
    public void A_page_is_given_since_a_position(ulong since, int limit, bool reverse, string expected)
    {
        StreamPosition top = default;
        for (int i = 1; i <= 5; i++) top = Append("a", $"{i}").Position;

        HistoryPage page = _store.Read("a", new HistoryQuery(top with { Offset = since }, limit, reverse), s_three);

        Assert.Equal(expected, Texts(page));
        Assert.Equal(top, page.Top);
    }

    [Fact]
    public void Without_a_position_all_are_given_either_way()
    {
        for (int i = 1; i <= 5; i++) Append("a", $"{i}");

        Assert.Equal("3 4 5", Texts(Read("a")));
        Assert.Equal("5 4 3", Texts(_store.Read("a", HistoryQuery.All with { Reverse = true }, s_three)));
        Assert.Equal("", Texts(_store.Read("a", HistoryQuery.PositionOnly, s_three)));
    }

    [Fact]
    public void Another_epoch_gives_nothing_and_no_epoch_fits_all()
    {
        StreamPosition top = Append("a", "1").Position;

        Assert.True(_store.Read("a", new HistoryQuery(new StreamPosition(top.Epoch + 1, 0), HistoryQuery.NoLimit), s_three).IsForeignEpoch);
        Assert.Equal(
            "1", Texts(_store.Read("a", new HistoryQuery(new StreamPosition(StreamEpoch.None, 0), HistoryQuery.NoLimit), s_three)));
    }

    [Fact]
    public void The_list_expires_as_a_whole_and_the_position_stays()
    {
        StreamPosition first = Append("a", "1").Position;
        _time.Advance(TimeSpan.FromSeconds(50));
        Append("a", "2");
        _time.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal("1 2", Texts(Read("a")));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("", Texts(Read("a")));
        Assert.Equal(first with { Offset = 3 }, Append("a", "3").Position);
        Assert.Equal("3", Texts(Read("a")));
    }

    [Fact]
    public void The_epoch_is_removed_after_the_meta_ttl()
    {
        StreamPosition first = Append("a", "1").Position;
        _time.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal(first, Read("a").Top);                 // A read renews it.
        _time.Advance(TimeSpan.FromMinutes(59));
        Assert.Equal(first, Read("a").Top);
        _time.Advance(TimeSpan.FromMinutes(60));

        StreamPosition anew = Append("a", "2").Position;

        Assert.Equal(1UL, anew.Offset);
        Assert.NotEqual(first.Epoch, anew.Epoch);
    }

    [Fact]
    public void A_sweep_frees_expired_channels_a_bounded_number_at_once()
    {
        for (int i = 0; i < 10; i++) Append($"c{i}", "x");
        long before = _budget.BytesUsed;

        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.True(_store.Sweep(4));
        Assert.True(_store.Sweep(4));
        Assert.False(_store.Sweep(4));
        Assert.True(_budget.BytesUsed < before);
        Assert.Equal(10, _store.Channels);

        _time.Advance(TimeSpan.FromHours(1));
        Assert.False(_store.Sweep(100));
        Assert.Equal(0, _store.Channels);
        Assert.Equal(0, _budget.BytesUsed);
    }

    [Fact]
    public async Task Removal_empties_the_list_alone()
    {
        StreamPosition top = Append("a", "1").Position;

        await _store.RemoveAsync("a");

        Assert.Equal(top, Read("a").Top);
        Assert.Equal("", Texts(Read("a")));
    }

    [Fact]
    public void A_known_key_is_answered_with_the_first_position_until_it_expires()
    {
        AppendResult first = Append("a", "1", key: "k");
        AppendResult again = Append("a", "other", key: "k");
        AppendResult elsewhere = Append("b", "1", key: "k");
        _time.Advance(TimeSpan.FromMinutes(5));
        AppendResult later = Append("a", "2", key: "k");

        Assert.Equal((first.Position, AppendOutcome.DuplicateKey, 0UL), (again.Position, again.Outcome, again.Added.Offset));
        Assert.Equal(AppendOutcome.Added, elsewhere.Outcome);
        Assert.Equal((AppendOutcome.Added, 2UL), (later.Outcome, later.Position.Offset));
    }

    [Fact]
    public void A_version_that_is_not_newer_is_not_added()
    {
        Assert.Equal(AppendOutcome.Added, Append("a", "1", version: 5).Outcome);
        Assert.Equal(AppendOutcome.StaleVersion, Append("a", "2", version: 5).Outcome);
        Assert.Equal(AppendOutcome.StaleVersion, Append("a", "2", version: 4, versionEpoch: "").Outcome);
        Assert.Equal(AppendOutcome.Added, Append("a", "2", version: 1, versionEpoch: "new").Outcome);
        Assert.Equal(AppendOutcome.StaleVersion, Append("a", "3", version: 1, versionEpoch: "new").Outcome);
        Assert.Equal(AppendOutcome.Added, Append("a", "3").Outcome);
        Assert.Equal(AppendOutcome.Added, Append("a", "4", version: 1, versionEpoch: "new").Outcome);
        Assert.Equal(4UL, Read("a").Top.Offset);
    }

    [Fact]
    public void Over_the_budget_the_longest_idle_histories_go_first_and_positions_stay()
    {
        var budget = new HistoryBudget(20_000);
        using var store = new MemoryHistoryStore(_time, budget);
        for (int i = 0; i < 30; i++)
        {
            store.Append($"c{i}", Publication(new string('x', 500)), s_three);
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.False(budget.IsExceeded);
        Assert.Empty(store.Read("c0", HistoryQuery.All, s_three).Publications);
        Assert.Equal(1UL, store.Read("c0", HistoryQuery.All, s_three).Top.Offset);
        Assert.Single(store.Read("c29", HistoryQuery.All, s_three).Publications);
    }

    [Fact]
    public void Alone_over_the_budget_a_channel_keeps_its_newest()
    {
        using var store = new MemoryHistoryStore(_time, new HistoryBudget(2_000));
        for (int i = 0; i < 3; i++) store.Append("a", Publication(new string('x', 900)), s_three);

        HistoryPage page = store.Read("a", HistoryQuery.All, s_three);

        Assert.Equal([3UL], page.Publications.Select(each => each.Offset));
    }

    [Fact]
    public void Changed_options_keep_the_position_and_what_they_still_keep()
    {
        StreamPosition top = default;
        for (int i = 1; i <= 3; i++) top = Append("a", $"{i}").Position;

        HistoryPage page = _store.Read("a", HistoryQuery.All, s_three with { Size = 2 });

        Assert.Equal(top, page.Top);
        Assert.Equal("2 3", Texts(page));
    }

    [Fact]
    public void A_closed_store_gives_its_bytes_back()
    {
        Append("a", "1");
        _store.Dispose();

        Assert.Equal(0, _budget.BytesUsed);
    }

    private AppendResult Append(string channel, string text, string? key = null, ulong version = 0, string? versionEpoch = null) =>
        _store.Append(
        channel,
        new HistoryAppend(
            new Publication { Data = Encoding.UTF8.GetBytes(text), Extras = version == 0 ? null
                : new PublicationExtras { Version = version } })
        {
            IdempotencyKey = key,
            IdempotencyTtl = TimeSpan.FromMinutes(5),
            VersionEpoch = versionEpoch,
        },
        s_three);

    private static HistoryAppend Publication(string text) => new(new Publication { Data = Encoding.UTF8.GetBytes(text) });

    private HistoryPage Read(string channel) => _store.Read(channel, HistoryQuery.All, s_three);

    private static string Texts(HistoryPage page) =>
        string.Join(' ', page.Publications.Select(each => Encoding.UTF8.GetString(each.Data.Span)));
}
