using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Broker.Tests.Support;

namespace Broker.Tests.Protocol.Transfers;

public sealed class ChunkTableTests
{
    private static readonly ChunkLimits s_limits = new() { ChunkBytesMax = 100, StreamBytesMax = 25_600, WindowChunks = 1000 };

    private readonly CountingPool _pool = new();
    private readonly ChunkBudget _budget = new(1 << 20);

    [Fact]
    public void Step_1_a_total_of_zero() => Refused(ChunkError.ZeroTotalChunks, index: 0, total: 0);

    [Fact]
    public void Step_1_comes_before_step_3() => Refused(ChunkError.ZeroTotalChunks, index: 9, total: 0);

    [Fact]
    public void Step_2_a_total_over_256() => Refused(ChunkError.TotalChunksTooLarge, index: 0, total: 257);

    [Fact]
    public void Step_2_comes_before_step_3() => Refused(ChunkError.TotalChunksTooLarge, index: 300, total: 257);

    [Fact]
    public void Step_3_an_index_that_is_not_below_the_total() => Refused(ChunkError.IndexOutOfRange, index: 3, total: 3);

    [Fact]
    public void Step_4_an_old_stream_is_gone_before_the_limit_of_streams_is_judged()
    {
        ChunkTable table = Table();
        for (uint i = 0; i < 8; i++) Assert.Equal(ChunkError.None, Add(table, i, 0, 2, now: 0));

        Assert.Equal(ChunkError.None, Add(table, 8, 0, 2, now: 60));

        Assert.Equal(1, table.Streams);
        Assert.Equal(ChunkError.Expired, Add(table, 0, 1, 2, now: 60));
        var reported = new List<uint>();
        while (table.TryExpire(TimeSpan.FromSeconds(60), out StreamExpiry expired)) reported.Add(expired.Stream);
        Assert.Equal([0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u], reported.Order());
        Empty(table);
    }

    [Fact]
    public void Step_5_the_ninth_stream_is_refused_and_the_eight_others_complete()
    {
        ChunkTable table = Table();
        for (uint i = 0; i < 8; i++) Assert.Equal(ChunkError.None, Add(table, i, 0, 2));

        Assert.Equal(ChunkError.TooManyStreams, Add(table, 8, 0, 2));

        for (uint i = 0; i < 8; i++)
        {
            Assert.Equal(ChunkError.None, Add(table, i, 1, 2, out ChunkArrival arrival));
            Assert.True(arrival.IsComplete);
            arrival.Payload!.Dispose();
        }

        // Half of it is lost, so there must be no ghost of it now that there is room.
        Assert.Equal(ChunkError.Cancelled, Add(table, 8, 1, 2));
        Assert.Equal(ChunkError.None, Add(table, 9, 0, 2));
        Empty(table);
    }

    [Fact]
    public void Step_7_another_total_leaves_the_stream_as_it_was()
    {
        ChunkTable table = Table();
        Add(table, 0, 0, 2);

        Assert.Equal(ChunkError.TotalChunksMismatch, Add(table, 0, 0, 3));

        Assert.Equal(ChunkError.None, Add(table, 0, 1, 2, out ChunkArrival arrival));
        Assert.Equal(20, arrival.Payload!.Bytes);
        arrival.Payload.Dispose();
        Empty(table);
    }

    [Fact]
    public void Step_8_a_duplicate_is_refused_and_the_first_data_wins()
    {
        ChunkTable table = Table();
        table.Add(new Chunk { Stream = 0, Index = 0, Total = 2, Data = "first"u8 }, default, out _);

        Assert.Equal(ChunkError.DuplicateChunk, table.Add(new Chunk { Index = 0, Total = 2, Data = "other"u8 }, default, out _));
        Assert.Equal(ChunkError.DuplicateChunk, table.Add(new Chunk { Index = 0, Total = 2, Data = "first"u8 }, default, out _));

        table.Add(new Chunk { Index = 1, Total = 2, Data = "-last"u8 }, default, out ChunkArrival arrival);
        Assert.Equal("first-last"u8, arrival.Payload!.ToArray());
        arrival.Payload.Dispose();
        Empty(table);
    }

    [Fact]
    public void A_late_chunk_of_a_finished_stream_opens_no_ghost()
    {
        ChunkTable table = Table();
        Add(table, 7, 0, 1, out ChunkArrival arrival);
        arrival.Payload!.Dispose();

        Assert.Equal(ChunkError.Finished, Add(table, 7, 0, 1));
        Assert.Equal(ChunkError.Finished, table.Open(new StreamHeader { Stream = 7 }, default));
        Assert.Equal(0, table.Streams);
        Empty(table);
    }

    [Fact]
    public void A_late_chunk_of_a_cancelled_stream_opens_no_ghost()
    {
        ChunkTable table = Table();
        Add(table, 0, 0, 2);

        Assert.True(table.Cancel(0));
        Assert.False(table.Cancel(0));
        Assert.False(table.Cancel(1));

        Assert.Equal(ChunkError.Cancelled, Add(table, 0, 1, 2));
        Assert.Equal(ChunkError.Cancelled, Add(table, 1, 0, 2));
        Empty(table);
    }

    [Fact]
    public void A_number_is_spent_for_good_until_all_2_to_the_32_have_had_their_turn()
    {
        ChunkTable table = Table();
        for (uint i = 0; i < 1000; i++)
        {
            Assert.Equal(ChunkError.None, Add(table, i, 0, 1, out ChunkArrival arrival));
            arrival.Payload!.Dispose();
        }

        Assert.Equal(ChunkError.Finished, Add(table, 999, 0, 1));
        Assert.Equal(ChunkError.Finished, Add(table, 900, 0, 1));
        Assert.Equal(ChunkError.Finished, Add(table, 0, 0, 1));
        Assert.Equal(ChunkError.None, Add(table, 1000, 0, 2));
        Empty(table);
    }

    [Fact]
    public void Numbers_wrap_to_zero()
    {
        ChunkTable table = Table();
        foreach (uint stream in new[] { uint.MaxValue - 1, uint.MaxValue, 0u, 1u })
        {
            Assert.Equal(ChunkError.None, Add(table, stream, 0, 1, out ChunkArrival arrival));
            arrival.Payload!.Dispose();
        }

        Assert.Equal(ChunkError.Finished, Add(table, uint.MaxValue, 0, 1));
        Assert.Equal(ChunkError.Finished, Add(table, 1, 0, 1));
        Empty(table);
    }

    [Fact]
    public void Streams_may_open_in_either_order()
    {
        ChunkTable table = Table();

        Assert.Equal(ChunkError.None, Add(table, 3, 0, 2));
        Assert.Equal(ChunkError.None, Add(table, 1, 0, 2));
        Assert.Equal(2, table.Streams);
        Empty(table);
    }

    [Fact]
    public void An_empty_payload_is_one_empty_chunk()
    {
        ChunkTable table = Table();

        Assert.Equal(ChunkError.None, table.Add(new Chunk { Total = 1 }, default, out ChunkArrival arrival));

        Assert.True(arrival.IsComplete);
        Assert.Empty(arrival.Payload!.ToArray());
        arrival.Payload.Dispose();
        Assert.Equal(0, _pool.Rents);
        Empty(table);
    }

    [Fact]
    public void A_stream_expires_sixty_seconds_after_its_last_chunk_and_needs_no_other()
    {
        ChunkTable table = Table();
        Add(table, 0, 0, 3, now: 0);
        Add(table, 0, 1, 3, now: 50);
        Assert.Equal(TimeSpan.FromSeconds(110), table.NextExpiry);

        Assert.False(table.TryExpire(TimeSpan.FromSeconds(109.999), out _));
        Assert.True(table.TryExpire(TimeSpan.FromSeconds(110), out StreamExpiry expired));

        Assert.Equal(
            new StreamExpiry(0, StreamPurpose.Message, 0, Bytes: 20, Announced: -1)
                { Received = 2, Total = 3, WasIdle = true, Limit = TimeSpan.FromSeconds(60) }, expired);
        Assert.Equal((0L, 0L, 0), (table.HeldBytes, _budget.Bytes, _pool.Outstanding));
        Assert.Null(table.NextExpiry);
        Assert.Equal(ChunkError.Expired, Add(table, 0, 2, 3, now: 110));
        Empty(table);
    }

    [Fact]
    public void A_transfer_found_late_stays_due_until_reported()
    {
        ChunkTable table = Table();
        Add(table, 0, 0, 3, now: 0);
        Add(table, 1, 0, 3, now: 60);

        Assert.Equal(TimeSpan.Zero, table.NextExpiry);
        Assert.True(table.TryExpire(TimeSpan.FromSeconds(60), out StreamExpiry expired));
        Assert.Equal((0u, TimeSpan.FromSeconds(120)), (expired.Stream, table.NextExpiry));
    }

    [Fact]
    public void A_stream_that_trickles_expires_after_the_absolute_limit()
    {
        ChunkTable table = Table();
        for (uint i = 0; i < 20; i++) Assert.Equal(ChunkError.None, Add(table, 0, i, 256, now: 30 * (int)i));

        Assert.False(table.TryExpire(TimeSpan.FromSeconds(599), out _));
        Assert.True(table.TryExpire(TimeSpan.FromSeconds(600), out _));
        Empty(table);
    }

    [Fact]
    public void What_makes_no_progress_does_not_prolong_a_stream()
    {
        ChunkTable table = Table();
        Add(table, 0, 0, 2, now: 0);
        Add(table, 0, 0, 2, now: 59);
        Add(table, 0, 1, 3, now: 59);

        Assert.True(table.TryExpire(TimeSpan.FromSeconds(60), out _));
        Empty(table);
    }

    [Fact]
    public void A_chunk_that_is_too_big_drops_its_stream_and_no_other()
    {
        ChunkTable table = Table();
        Add(table, 0, 0, 2);
        Add(table, 1, 0, 2);

        Assert.Equal(
            ChunkError.ChunkTooBig, table.Add(new Chunk { Index = 1, Total = 2, Data = new byte[101] }, default, out ChunkArrival arrival));

        Assert.True(arrival.IsDropped);
        Assert.Equal(ChunkError.Cancelled, Add(table, 0, 1, 2));
        Assert.Equal(ChunkError.None, Add(table, 1, 1, 2, out arrival));
        arrival.Payload!.Dispose();
        Empty(table);
    }

    [Fact]
    public void Bytes_of_a_stream_are_bounded_by_what_has_come()
    {
        ChunkTable table = Table(s_limits with { StreamBytesMax = 25 });
        Add(table, 0, 0, 3);
        Add(table, 0, 1, 3);

        Assert.Equal(ChunkError.StreamTooBig, Add(table, 0, 2, 3));
        Empty(table);
    }

    [Fact]
    public void Memory_of_a_connection_is_bounded()
    {
        ChunkTable table = Table(s_limits with { ConnectionBytesMax = 3 * 256 });
        for (uint i = 0; i < 3; i++) Assert.Equal(ChunkError.None, Add(table, i, 0, 2));

        Assert.Equal(ChunkError.ConnectionFull, Add(table, 3, 0, 2));
        Assert.Equal(3, table.Streams);
        Empty(table);
    }

    [Fact]
    public void Memory_of_all_connections_is_bounded_and_comes_back()
    {
        var budget = new ChunkBudget(2 * 256);
        var one = new ChunkTable(s_limits, budget, _pool);
        var other = new ChunkTable(s_limits, budget, _pool);
        Add(one, 0, 0, 2);
        Add(other, 0, 0, 2);

        Assert.Equal(ChunkError.ProcessFull, Add(other, 1, 0, 2));
        Assert.Equal(ChunkError.ProcessFull, Add(one, 0, 1, 2));
        Assert.Equal(ChunkError.None, Add(other, 2, 0, 2));

        other.Clear();
        one.Clear();
        Assert.Equal(0, budget.Bytes);
        Assert.Equal(0, _pool.Outstanding);
    }

    [Fact]
    public void A_finished_payload_counts_until_it_is_disposed_of()
    {
        ChunkTable table = Table();
        Add(table, 0, 0, 1, out ChunkArrival arrival);

        Assert.Equal((0L, 256L), (table.HeldBytes, _budget.Bytes));
        arrival.Payload!.Dispose();
        arrival.Payload.Dispose();
        Assert.Equal(0, _budget.Bytes);
        Assert.Throws<ObjectDisposedException>(() => arrival.Payload.ToArray());
        Empty(table);
    }

    [Fact]
    public void A_header_is_held_to_what_it_announces()
    {
        ChunkTable table = Table();
        Open(table, 0, 20);
        Open(table, 1, 20);
        Open(table, 2, 20);

        Assert.Equal(ChunkError.HeaderTwice, table.Open(new StreamHeader { Stream = 0, Bytes = 20 }, default));
        Add(table, 0, 0, 2);
        Assert.True(table.TryGetProgress(0, out long bytes, out long announced));
        Assert.Equal((10L, 20L), (bytes, announced));
        Assert.Equal(ChunkError.None, Add(table, 0, 1, 2, out ChunkArrival arrival));
        arrival.Payload!.Dispose();
        Assert.Equal(ChunkError.LessThanAnnounced, Add(table, 1, 0, 1));
        Add(table, 2, 0, 4);
        Add(table, 2, 1, 4);
        Assert.Equal(ChunkError.MoreThanAnnounced, Add(table, 2, 2, 4));
        Empty(table);
    }

    [Fact]
    public void A_header_over_the_limit_is_refused_and_so_are_its_chunks()
    {
        ChunkTable table = Table();

        Assert.Equal(ChunkError.StreamTooBig, table.Open(new StreamHeader { Stream = 0, Bytes = 25_601 }, default));
        Assert.Equal(ChunkError.Cancelled, Add(table, 0, 0, 2));
        Assert.Equal(ChunkError.StreamTooBig, table.Open(new StreamHeader { Stream = 1, Bytes = ulong.MaxValue }, default));
        Empty(table);
    }

    [Fact]
    public void A_chunk_without_credit_drops_its_stream()
    {
        ChunkTable table = Table(s_limits with { WindowChunks = 4 });
        var sink = new Sink();
        table.Open(new StreamHeader { Bytes = 100 }, default, sink);
        for (uint i = 0; i < 4; i++) Assert.Equal(ChunkError.None, Add(table, 0, i, 10));
        Assert.True(table.Grant(0, 2));
        for (uint i = 4; i < 6; i++) Assert.Equal(ChunkError.None, Add(table, 0, i, 10));

        Assert.Equal(ChunkError.NoCredit, Add(table, 0, 6, 10));
        Assert.False(table.Grant(0, 1));
        Empty(table);
    }

    [Fact]
    public void A_stream_that_is_put_together_gets_its_credit_early_and_to_the_end()
    {
        ChunkTable table = Table(s_limits with { WindowChunks = 4 });
        long granted = 4;
        for (uint i = 0; i < 100; i++)
        {
            Assert.True(granted > i);
            Assert.Equal(ChunkError.None, Add(table, 0, i, 100, out ChunkArrival arrival));
            granted += arrival.Credit;
            arrival.Payload?.Dispose();
        }

        Empty(table);
    }

    [Fact]
    public void With_a_sink_bytes_go_on_in_order_and_only_those_ahead_are_held()
    {
        ChunkTable table = Table();
        var sink = new Sink();
        table.Open(new StreamHeader { Purpose = StreamPurpose.Arguments, Reference = 5, Bytes = 50 }, default, sink);

        foreach (uint index in new uint[] { 0, 2, 1, 4 }) Add(table, 0, index, 5);
        Assert.Equal(Bytes(0, 1, 2), sink.Seen);
        Assert.Equal(256, table.HeldBytes);
        Assert.Equal(ChunkError.DuplicateChunk, Add(table, 0, 1, 5));
        Assert.Equal(ChunkError.DuplicateChunk, Add(table, 0, 4, 5));
        Add(table, 0, 3, 5, out ChunkArrival arrival);

        Assert.Equal(Bytes(0, 1, 2, 3, 4), sink.Seen);
        Assert.True(arrival is { IsComplete: true, Payload: null, Purpose: StreamPurpose.Arguments, Reference: 5 });
        Assert.Equal((0L, 0L, 0), (table.HeldBytes, _budget.Bytes, _pool.Outstanding));
        Empty(table);
    }

    [Fact]
    public void With_a_sink_a_chunk_too_far_ahead_drops_its_stream()
    {
        ChunkTable table = Table(s_limits with { ReorderChunksMax = 3 });
        table.Open(new StreamHeader { Bytes = 100 }, default, new Sink());

        Assert.Equal(ChunkError.None, Add(table, 0, 3, 10));
        Assert.Equal(ChunkError.BeyondWindow, Add(table, 0, 4, 10));
        Empty(table);
    }

    private ChunkTable Table(ChunkLimits? limits = null) => new(limits ?? s_limits, _budget, _pool);

    private static void Open(ChunkTable table, uint stream, ulong bytes) =>
        Assert.Equal(ChunkError.None, table.Open(new StreamHeader { Stream = stream, Bytes = bytes }, default));

    // A chunk of ten bytes that say its index.
    private static byte[] Bytes(params byte[] indices) => [.. indices.SelectMany(index => Enumerable.Repeat(index, 10))];

    private static ChunkError Add(ChunkTable table, uint stream, uint index, uint total, int now = 0) =>
        Add(table, stream, index, total, out _, now);

    private static ChunkError Add(ChunkTable table, uint stream, uint index, uint total, out ChunkArrival arrival, int now = 0) =>
        table.Add(
            new Chunk { Stream = stream, Index = index, Total = total, Data = Bytes((byte)index) },
            TimeSpan.FromSeconds(now),
            out arrival);

    private void Refused(ChunkError error, uint index, uint total)
    {
        ChunkTable table = Table();

        Assert.Equal(error, Add(table, 0, index, total));

        Assert.Equal((0, 0L, 0), (table.Streams, _budget.Bytes, _pool.Rents));
        Assert.Equal(ChunkError.None, Add(table, 0, 0, 2));
        Assert.Equal(error, Add(table, 0, index, total));
        Assert.Equal(ChunkError.None, Add(table, 0, 1, 2, out ChunkArrival arrival));
        arrival.Payload!.Dispose();
        Empty(table);
    }

    private void Empty(ChunkTable table)
    {
        table.Clear();
        Assert.Equal((0, 0L, 0L, 0), (table.Streams, table.HeldBytes, _budget.Bytes, _pool.Outstanding));
    }

    private sealed class Sink : IChunkSink
    {
        public List<byte> Seen { get; } = [];

        public void OnBytes(ReadOnlySpan<byte> bytes) => Seen.AddRange(bytes);
    }
}
