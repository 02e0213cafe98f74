using Broker.Actors.Channels.History;
using Broker.Actors.Channels.Home;
using Broker.Actors.Model;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Channels;

/// <summary>What one node's memory holds of a channel goes on in another's.</summary>
public sealed class MovedHistoryTests
{
    private static readonly HistoryOptions s_options = new() { Size = 10, Ttl = TimeSpan.FromMinutes(1) };
    private readonly FakeTimeProvider _time = new();

    private MemoryHistoryStore Open() => new(_time, new HistoryBudget(1_000_000));

    private static HistoryAppend Append(string data, string? key = null) =>
        new(new Publication { Data = System.Text.Encoding.UTF8.GetBytes(data) })
            { IdempotencyKey = key, IdempotencyTtl = TimeSpan.FromMinutes(5) };

    [Fact]
    public void A_moved_channel_goes_on_at_its_position_with_what_it_keeps()
    {
        using MemoryHistoryStore from = Open(), to = Open();
        for (int i = 0; i < 15; i++) from.Append("a", Append($"{i}", $"key-{i}"), s_options);
        foreach (MovedHistory moved in from.Export()) to.Import(moved, s_options);
        foreach ((string channel, string key, StreamPosition answer, TimeSpan left) in from.ExportAnswers())
            to.ImportAnswer(channel, key, answer, left);

        HistoryPage before = from.Read("a", HistoryQuery.All, s_options), after = to.Read("a", HistoryQuery.All, s_options);
        Assert.Equal(before.Top, after.Top);
        Assert.Equal(before.Publications.Select(static each => each.Offset), after.Publications.Select(static each => each.Offset));
        Assert.Equal(10, after.Publications.Count);
        Assert.Equal(AppendOutcome.DuplicateKey, to.Append("a", Append("again", "key-3"), s_options).Outcome);
        Assert.Equal(before.Top with { Offset = 16 }, to.Append("a", Append("next"), s_options).Position);
    }

    [Fact]
    public void A_moved_channel_expires_when_it_would_have_where_it_was()
    {
        using MemoryHistoryStore from = Open(), to = Open();
        from.Append("a", Append("old"), s_options);
        _time.Advance(TimeSpan.FromSeconds(50));
        foreach (MovedHistory moved in from.Export()) to.Import(moved, s_options);
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Single(to.Read("a", HistoryQuery.All, s_options).Publications);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Empty(to.Read("a", HistoryQuery.All, s_options).Publications);
    }

    [Fact]
    public void A_handover_comes_out_of_its_bytes()
    {
        var info = new ClientInfo("user", "client") { ConnectionInfo = new byte[] { 1 }, ChannelInfo = new byte[] { 2 } };
        var channel = new MoveProtocol.MovedChannel("a", new StreamPosition(7, 9))
        {
            HasHistory = true,
            Untouched = TimeSpan.FromSeconds(3),
            Unpublished = TimeSpan.FromSeconds(4),
            Version = 5,
            VersionEpoch = "v",
            Publications = [new Publication { Data = new byte[] { 1, 2, 3 }, Offset = 9 }],
            Listeners = [new MoveProtocol.MovedListener("", []), new MoveProtocol.MovedListener("node#1", [new PresentClient(info, true)])],
        };
        var answer = new MoveProtocol.MovedAnswer("a", "key", new StreamPosition(7, 8), TimeSpan.FromSeconds(9), IsKept: true);
        byte[] bytes = MoveSerializer.Write(new MoveProtocol.Handover(42, 3, true, [channel], [answer]));
        MoveProtocol.Handover read = MoveSerializer.ReadHandover(bytes)!;
        Assert.Equal((42UL, 3U, true), (read.Move, read.Piece, read.IsLast));
        Assert.Equal(answer, Assert.Single(read.Answers));
        MoveProtocol.MovedChannel found = Assert.Single(read.Channels);
        Assert.Equal(channel with { Publications = [], Listeners = [] }, found with { Publications = [], Listeners = [] });
        Assert.Equal(channel.Publications[0].Data.ToArray(), found.Publications[0].Data.ToArray());
        Assert.Equal("client", found.Listeners[1].Members[0].Member.Client);
        for (int length = 0; length < bytes.Length; length++) Assert.Null(MoveSerializer.ReadHandover(bytes.AsSpan(0, length)));
    }
}
