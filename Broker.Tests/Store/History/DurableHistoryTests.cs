using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Broker.Actors.Channels.History;
using Broker.Actors.Model;
using Broker.Store;
using Broker.Store.History;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Store.History;

public sealed class DurableHistoryTests : IDisposable
{
    private static readonly HistoryOptions s_synced =
        new() { Size = 5, Ttl = TimeSpan.FromMinutes(10), MetaTtl = TimeSpan.FromHours(1), Durability = HistoryDurability.Fsync };
    private static readonly HistoryOptions s_unsynced = s_synced with { Durability = HistoryDurability.None };

    private readonly StoreFolder _folder = new();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly List<string> _reported = [];
    private Guid _boot = Guid.NewGuid();
    private long _bytesMax = long.MaxValue;
    private DurableHistories _histories;
    private IHistoryStore _store;

    public DurableHistoryTests()
    {
        _histories = Open();
        _store = _histories.Open(0, 1);
    }

    public void Dispose()
    {
        _histories.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Epoch_offsets_and_publications_outlive_a_restart()
    {
        StreamPosition last = default;
        for (int i = 1; i <= 7; i++) last = await AppendAsync("a", $"{i}");
        Restart();

        Assert.Equal((last, "3 4 5 6 7"), await ReadAsync("a", HistoryQuery.All));
        Assert.Equal(last with { Offset = 8 }, await AppendAsync("a", "8"));
        Assert.Equal("4 5 6 7 8", (await ReadAsync("a", HistoryQuery.All)).Text);
        Assert.Empty(_reported);
    }

    [Fact]
    public async Task A_position_that_was_read_outlives_a_restart()
    {
        StreamPosition begun = (await ReadAsync("a", HistoryQuery.PositionOnly)).Top;
        Restart();

        Assert.Equal(begun, (await ReadAsync("a", HistoryQuery.PositionOnly)).Top);
    }

    [Fact]
    public async Task Time_passes_while_no_process_runs()
    {
        StreamPosition last = await AppendAsync("a", "1");
        Restart(TimeSpan.FromMinutes(10));
        Assert.Equal((last, ""), await ReadAsync("a", HistoryQuery.All));

        Restart(TimeSpan.FromHours(1));
        Assert.NotEqual(last.Epoch, (await ReadAsync("a", HistoryQuery.All)).Top.Epoch);
    }

    [Fact]
    public async Task A_sweep_deletes_what_has_expired()
    {
        for (int i = 0; i < 5; i++) await AppendAsync("a", $"{i}", key: $"{i}");
        _time.Advance(TimeSpan.FromHours(2));
        HistoryShard shard = _histories.ShardOf("a");

        shard.Sweep(100);
        Assert.True(SpinWait.SpinUntil(() => shard.CountKeys() == 0, TimeSpan.FromSeconds(60)), $"{shard.CountKeys()} keys are left.");
    }

    [Fact]
    public async Task An_idempotency_key_outlives_a_restart_for_its_time()
    {
        StreamPosition first = await AppendAsync("a", "1", key: "k");
        Restart();

        AppendResult again =
            await _store.AppendAsync(
                "a", new HistoryAppend(Text("2")) { IdempotencyKey = "k", IdempotencyTtl = TimeSpan.FromMinutes(5) }, s_synced);
        Assert.Equal((AppendOutcome.DuplicateKey, first), (again.Outcome, again.Position));
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(2UL, (await AppendAsync("a", "2", key: "k")).Offset);
    }

    [Fact]
    public async Task A_version_outlives_a_restart()
    {
        await _store.AppendAsync("a", new HistoryAppend(Text("1") with { Extras = new PublicationExtras { Version = 7 } }), s_synced);
        Restart();

        AppendResult stale =
            await _store.AppendAsync("a", new HistoryAppend(Text("2") with { Extras = new PublicationExtras { Version = 7 } }), s_synced);
        Assert.Equal(AppendOutcome.StaleVersion, stale.Outcome);
    }

    [Fact]
    public async Task Removed_publications_stay_removed_and_the_position_stays()
    {
        await AppendAsync("a", "1");
        StreamPosition last = await AppendAsync("a", "2");
        await _store.RemoveAsync("a");
        Restart();

        Assert.Equal((last, ""), await ReadAsync("a", HistoryQuery.All));
    }

    [Fact]
    public async Task Overlapping_appends_take_their_offsets_in_order()
    {
        Task<AppendResult>[] appends =
            [.. Enumerable.Range(1, 200).Select(i => _store.AppendAsync("a", new HistoryAppend(Text($"{i}")), s_unsynced).AsTask())];
        AppendResult[] results = await Task.WhenAll(appends);

        Assert.Equal(Enumerable.Range(1, 200).Select(i => (ulong)i), results.Select(each => each.Position.Offset));
        Assert.Equal("196 197 198 199 200", (await ReadAsync("a", HistoryQuery.All)).Text);
    }

    [Fact]
    public async Task Every_query_answers_as_the_memory_does()
    {
        var memory = new MemoryHistoryStore(_time, new HistoryBudget(1 << 20));
        for (int i = 1; i <= 8; i++)
        {
            await AppendAsync("a", $"{i}");
            memory.Append("a", new HistoryAppend(Text($"{i}")), s_synced);
        }

        foreach (bool reverse in (bool[])[false, true])
        {
            foreach (int limit in (int[])[0, 1, 3, HistoryQuery.NoLimit])
            {
                for (int since = -1; since <= 10; since++)
                {
                    if (reverse && since == 0) continue;
                    var query = new HistoryQuery(since < 0 ? null : new StreamPosition(StreamEpoch.None, (ulong)since), limit, reverse);
                    string expected = TextOf(memory.Read("a", query, s_synced));
                    Assert.Equal((query, expected), (query, (await ReadAsync("a", query)).Text));
                }
            }
        }

        HistoryPage foreign = await _store.ReadAsync("a", new HistoryQuery(new StreamPosition(1, 1), HistoryQuery.NoLimit), s_synced);
        Assert.True(foreign.IsForeignEpoch);
    }

    [Theory]
    [InlineData("*.log", false), InlineData("*.log", true), InlineData("*.sst", false), InlineData("*.sst", true),
        InlineData("MANIFEST-*", false), InlineData("CURRENT", true)]
    public async Task A_damaged_file_costs_the_channels_of_its_shard(string files, bool isCut)
    {
        Dictionary<string, StreamPosition> before = await FillAsync();
        string shard = Path.Combine(_folder.Path, "shard-00");
        if (files == "*.sst")
        {
            // Another start writes what the log held to a table.
            Restart();
            await AppendAsync(before.Keys.First(name => _histories.NumberOf(name) == 0), "more");
        }

        _histories.Dispose();
        Damage(Directory.GetFiles(shard, files).OrderByDescending(static path => new FileInfo(path).Length).First(), isCut);
        _histories = Open();
        _store = _histories.Open(0, 1);

        foreach ((string channel, StreamPosition position) in before)
        {
            StreamPosition now = (await ReadAsync(channel, HistoryQuery.PositionOnly)).Top;
            if (_histories.NumberOf(channel) == 0) Assert.NotEqual(position.Epoch, now.Epoch);
            else Assert.Equal(position, now);
        }

        Assert.Contains(_reported, static line => line.Contains("begin with new epochs", StringComparison.Ordinal));
        Assert.Single(Directory.GetDirectories(_folder.Path, "shard-00.damaged-*"));
    }

    [Fact]
    public async Task After_the_machine_stopped_only_synced_channels_go_on()
    {
        StreamPosition synced = await AppendAsync("synced", "1");
        StreamPosition unsynced = (await _store.AppendAsync("unsynced", new HistoryAppend(Text("1")), s_unsynced)).Position;
        foreach (string mark in Directory.GetFiles(_folder.Path, "*.mark")) File.Copy(mark, mark + ".kept");
        _histories.Dispose();
        foreach (string kept in Directory.GetFiles(_folder.Path, "*.kept")) File.Move(kept, kept[..^".kept".Length], overwrite: true);
        _boot = Guid.NewGuid();
        _histories = Open();
        _store = _histories.Open(0, 1);

        Assert.Equal(synced, (await ReadAsync("synced", HistoryQuery.All)).Top);
        Assert.NotEqual(unsynced.Epoch, (await _store.ReadAsync("unsynced", HistoryQuery.All, s_unsynced)).Top.Epoch);
        Assert.Contains(_reported, static line => line.Contains("unsynced", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_full_disk_share_refuses_new_publications_and_serves_what_is_kept()
    {
        const int MiB = 1024 * 1024;
        _histories.Dispose();
        _bytesMax = 8 * MiB;
        _histories = Open();
        _store = _histories.Open(0, 1);
        string megabyte = Convert.ToBase64String(RandomNumberGenerator.GetBytes(MiB / 4 * 3));
        StreamPosition first = await AppendAsync("a", megabyte, key: "k");
        HistoryRejectedException? refused = null;
        for (int i = 0; i < 20 && refused is null; i++)
        {
            // Refused by its task, as the home waits for that, and not at once.
            string channel = string.Create(CultureInfo.InvariantCulture, $"{i}");
            Task append = _store.AppendAsync(channel, new HistoryAppend(Text(megabyte)), s_synced).AsTask();
            refused = await Record.ExceptionAsync(() => append) as HistoryRejectedException;
        }

        Assert.Equal("channel histories are full", refused?.Message);
        Assert.True(_histories.IsFull);
        Assert.InRange(_histories.Bytes, 8 * MiB, 11 * MiB);
        Assert.Contains("broker.history.disk-bytes-max", Assert.Single(_reported), StringComparison.Ordinal);

        // What is there is read, a repeated publication is known, and no position of a new channel is kept.
        Assert.Equal((first, megabyte), await ReadAsync("a", HistoryQuery.All));
        Assert.Equal(first, await AppendAsync("a", "again", key: "k"));
        await Assert.ThrowsAsync<HistoryRejectedException>(() => ReadAsync("new", HistoryQuery.PositionOnly));

        // What expires is swept and compacted away; then there is room.
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.True(
            SpinWait.SpinUntil(() =>
            {
                _store.Sweep(100);
                _time.Advance(TimeSpan.FromMinutes(1));
                return !_histories.IsFull;
            }, TimeSpan.FromSeconds(60)),
            $"{_histories.Bytes} bytes are left.");
        Assert.NotEqual(0UL, (await AppendAsync("a", "2")).Offset);
        Assert.EndsWith("bytes.", _reported[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_a_clean_stop_the_machine_may_restart()
    {
        StreamPosition unsynced = (await _store.AppendAsync("unsynced", new HistoryAppend(Text("1")), s_unsynced)).Position;
        _histories.Dispose();
        _boot = Guid.NewGuid();
        _histories = Open();
        _store = _histories.Open(0, 1);

        Assert.Equal(unsynced, (await _store.ReadAsync("unsynced", HistoryQuery.All, s_unsynced)).Top);
    }

    [Fact]
    public void A_folder_in_use_or_of_others_is_refused()
    {
        Assert.Contains(_folder.Path, Assert.Throws<StoreException>(Open).Message, StringComparison.Ordinal);
        using var other = new StoreFolder();
        File.WriteAllText(Path.Combine(other.Path, "letter.txt"), "mine");
        StoreException foreign = Assert.Throws<StoreException>(() => DurableHistories.Open(other.Path, _time, new HistoryBudget(1 << 20)));
        Assert.Contains("letter.txt", foreign.Message, StringComparison.Ordinal);
    }

    private DurableHistories Open() =>
        DurableHistories.Open(
            _folder.Path, _time, new HistoryBudget(1 << 20),
                new DurableHistorySettings
                    { Shards = 2, Boot = _boot, BytesMax = _bytesMax, Notify = notice => _reported.Add(notice.Text) });

    private void Restart(TimeSpan after = default)
    {
        _histories.Dispose();
        _time.Advance(after);
        _histories = Open();
        _store = _histories.Open(0, 1);
    }

    private async Task<Dictionary<string, StreamPosition>> FillAsync()
    {
        var positions = new Dictionary<string, StreamPosition>();
        foreach (string channel in Enumerable.Range(0, 20).Select(static i => $"channel {i}"))
        {
            for (int i = 0; i < 3; i++) positions[channel] = await AppendAsync(channel, new string('x', 5000));
        }

        return positions;
    }

    private static void Damage(string path, bool isCut)
    {
        byte[] bytes = File.ReadAllBytes(path);
        if (isCut) bytes = bytes[..(bytes.Length / 2)];
        else bytes[bytes.Length / 3] ^= 0x10;
        File.WriteAllBytes(path, bytes);
    }

    private async Task<StreamPosition> AppendAsync(string channel, string text, string? key = null)
    {
        var append = new HistoryAppend(Text(text)) { IdempotencyKey = key, IdempotencyTtl = TimeSpan.FromMinutes(5) };
        return (await _store.AppendAsync(channel, append, s_synced)).Position;
    }

    private async Task<(StreamPosition Top, string Text)> ReadAsync(string channel, HistoryQuery query)
    {
        HistoryPage page = await _store.ReadAsync(channel, query, s_synced);
        return (page.Top, TextOf(page));
    }

    private static Publication Text(string text) => new() { Data = Encoding.UTF8.GetBytes(text) };

    private static string TextOf(HistoryPage page) =>
        string.Join(' ', page.Publications.Select(static each => Encoding.UTF8.GetString(each.Data.Span)));
}
