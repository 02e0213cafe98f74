using System.Buffers;
using Broker.Core.Buffers;
using Broker.Core.Framing;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Broker.Tests.Support;

namespace Broker.Tests.Protocol.Transfers;

public sealed class ChunkSenderTests
{
    private static readonly ChunkLimits s_small =
        new() { ThresholdBytes = 20, ChunkBytesMax = 10, ChunksMax = 10, StreamBytesMax = 100, StreamsMax = 2, WindowChunks = 100 };

    [Theory]
    [InlineData(0, 1)]
    [InlineData(262_144, 1)]
    [InlineData(262_145, 2)]
    [InlineData(524_288, 2)]
    [InlineData(524_289, 3)]
    [InlineData(64 << 20, 256)]
    public void A_payload_is_cut_in_chunks_of_256_KiB(int bytes, int chunks) =>
        Assert.Equal(chunks, new ChunkLimits().ChunksOf(bytes));

    [Theory]
    [InlineData(524_288, Posted.Queued, 1)]
    [InlineData(524_289, Posted.Streamed, 4)]
    public void Exactly_the_threshold_goes_whole_and_one_byte_more_as_header_and_three_chunks(int bytes, Posted posted, int messages)
    {
        var outbox = new Outbox(batched: false, OutboundBatcher.ServerCapBytes, new ChunkLimits(), 1 << 20, 100);

        Assert.Equal(posted, outbox.Post(new byte[bytes]));

        var frame = new ArrayBufferWriter<byte>();
        int frames = 0;
        while (outbox.TryFillFrame(frame)) frames++;
        Assert.Equal(messages, frames);
        Assert.False(outbox.HasFrame);
    }

    [Fact]
    public void A_message_over_the_ceiling_is_refused_before_any_byte()
    {
        var outbox = new Outbox(batched: true, OutboundBatcher.ServerCapBytes, new ChunkLimits(), 1 << 20, 100);

        Assert.Equal(Posted.TooLarge, outbox.Post(new byte[(64 << 20) + 1]));
        Assert.False(outbox.TryFillFrame(new ArrayBufferWriter<byte>()));

        // Its number was not spent either.
        Assert.Equal(Posted.Streamed, outbox.Post(new byte[64 << 20]));
        Assert.True(outbox.Chunks.Cancel(0));
        Assert.False(outbox.HasFrame);
    }

    [Fact]
    public void Transfers_take_turns_and_a_third_waits_for_a_slot()
    {
        var sender = new ChunkSender(s_small);
        for (int i = 0; i < 3; i++) Assert.True(sender.TrySend(new MemoryChunkSource(new byte[25]), out _));

        Assert.Equal(
            "0h 0/0 1h 1/0 0/1 1/1 0/2 1/2 2h 2/0 2/1 2/2",
            string.Join(' ', Sent(sender)));
        Assert.Equal(0, sender.Streams);
    }

    [Fact]
    public void A_stream_without_credit_waits_and_the_others_go_on()
    {
        var sender = new ChunkSender(s_small with { WindowChunks = 1 });
        sender.TrySend(new MemoryChunkSource(new byte[30]), out uint one);
        sender.TrySend(new MemoryChunkSource(new byte[30]), out uint other);

        Assert.Equal("0h 0/0 1h 1/0", string.Join(' ', Sent(sender)));
        Assert.Equal(0, sender.NextBytes);
        sender.Grant(other, 2);
        Assert.Equal("1/1 1/2", string.Join(' ', Sent(sender)));
        sender.Grant(other, 5);
        sender.Grant(one, 5);
        Assert.Equal("0/1 0/2", string.Join(' ', Sent(sender)));
    }

    [Fact]
    public void A_source_is_disposed_of_once_however_its_stream_ends()
    {
        var sender = new ChunkSender(s_small);
        Source[] sources = [new(10), new(30), new(30), new(30), new(101)];
        foreach (Source source in sources[..4]) Assert.True(sender.TrySend(source, out _));
        Assert.False(sender.TrySend(sources[4], out _));

        var target = new ArrayBufferWriter<byte>();
        sender.TryWriteNext(target);
        sender.TryWriteNext(target);
        sender.TryWriteNext(target);
        Assert.True(sender.Cancel(1));
        Assert.False(sender.Cancel(1));
        Assert.True(sender.Cancel(3));
        Assert.False(sender.Cancel(3));
        Assert.Equal(30, sender.UnsentBytes);
        sender.Clear();

        Assert.Equal([1, 1, 1, 1, 0], sources.Select(source => source.Disposals));
        Assert.Equal(0, sender.UnsentBytes);
    }

    // Were it told later, the receiver would be sent a ninth stream while it still has eight.
    [Fact]
    public void A_cancelled_transfer_is_reported_before_the_next_begins()
    {
        var sender = new ChunkSender(s_small with { WindowChunks = 1 });
        for (int i = 0; i < 3; i++) sender.TrySend(new MemoryChunkSource(new byte[30]), out _);
        Assert.Equal("0h 0/0 1h 1/0", string.Join(' ', Sent(sender)));

        sender.Cancel(1, ChunkError.Cancelled);

        Assert.Equal("1! 2h 2/0", string.Join(' ', Sent(sender)));
    }

    [Fact]
    public void A_transfer_cancelled_by_the_receiver_frees_its_slot()
    {
        var sender = new ChunkSender(s_small with { WindowChunks = 1 });
        for (int i = 0; i < 3; i++) sender.TrySend(new MemoryChunkSource(new byte[30]), out _);
        Sent(sender);

        Assert.True(sender.OnCancelled(0));
        Assert.False(sender.OnCancelled(0));

        Assert.Equal("2h 2/0", string.Join(' ', Sent(sender)));
        Assert.Equal(20 + 20, sender.UnsentBytes);
    }

    [Fact]
    public void What_is_sent_is_what_a_table_puts_together()
    {
        var pool = new CountingPool();
        var sender = new ChunkSender(s_small with { StreamsMax = 8, WindowChunks = 2 });
        var table = new ChunkTable(s_small with { StreamsMax = 8, WindowChunks = 2 }, new ChunkBudget(1 << 20), pool);
        for (int i = 0; i < 8; i++) sender.TrySend(new MemoryChunkSource(Wire.Pattern(10 * i + 7)), out _);
        var target = new ArrayBufferWriter<byte>();
        int complete = 0;

        while (sender.TryWriteNext(target))
        {
            var reader = new NativeReader(target.WrittenSpan, Side.Server, batched: false);
            reader.Read(out NativeMessage message);
            if (message.Kind == NativeKind.Stream)
            {
                Assert.Equal(ChunkError.None, table.Open(message.As<StreamHeader>(), default));
            }
            else
            {
                Chunk chunk = message.As<Chunk>();
                Assert.Equal(ChunkError.None, table.Add(chunk, default, out ChunkArrival arrival));
                if (arrival.Credit > 0) sender.Grant(chunk.Stream, arrival.Credit);
                if (arrival.Payload is { } payload)
                {
                    Assert.Equal(Wire.Pattern(10 * (int)chunk.Stream + 7), payload.ToArray());
                    payload.Dispose();
                    complete++;
                }
            }

            target.ResetWrittenCount();
        }

        Assert.Equal(8, complete);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void A_chunk_sent_or_put_in_order_allocates_nothing()
    {
        var limits = new ChunkLimits { StreamBytesMax = long.MaxValue, ChunksMax = int.MaxValue, WindowChunks = int.MaxValue };
        var sender = new ChunkSender(limits);
        var table = new ChunkTable(limits, new ChunkBudget(1 << 20), new BufferPool());
        var target = new ArrayBufferWriter<byte>(512 * 1024);
        sender.TrySend(new Source(1L << 30), out _);
        sender.TryWriteNext(target);
        table.Open(new StreamHeader { Bytes = 1L << 30 }, default, new Counter());

        Assert.Equal(0, Allocations.Least(() => Pass(70)));

        void Pass(int chunks)
        {
            for (int i = 0; i < chunks; i++)
            {
                target.ResetWrittenCount();
                sender.TryWriteNext(target);
                var reader = new NativeReader(target.WrittenSpan, Side.Server, batched: false);
                reader.Read(out NativeMessage message);
                if (table.Add(message.As<Chunk>(), default, out _) != ChunkError.None) throw new InvalidOperationException();
            }
        }
    }

    private static List<string> Sent(ChunkSender sender)
    {
        List<string> sent = [];
        var target = new ArrayBufferWriter<byte>();
        while (sender.NextBytes is > 0 and var bytes)
        {
            target.ResetWrittenCount();
            Assert.True(sender.TryWriteNext(target));
            Assert.Equal(bytes, target.WrittenCount);
            var reader = new NativeReader(target.WrittenSpan, Side.Server, batched: false);
            reader.Read(out NativeMessage message);
            sent.Add(message.Kind switch
            {
                NativeKind.Stream => $"{message.As<StreamHeader>().Stream}h",
                NativeKind.StreamCancel => $"{message.As<StreamCancel>().Stream}!",
                _ => $"{message.As<Chunk>().Stream}/{message.As<Chunk>().Index}",
            });
        }

        return sent;
    }

    private sealed class Source(long bytes) : IChunkSource
    {
        public int Disposals { get; private set; }

        public long Bytes => bytes;

        public void CopyTo(long from, Span<byte> target) => target.Clear();

        public void Dispose() => Disposals++;
    }

    private sealed class Counter : IChunkSink
    {
        public void OnBytes(ReadOnlySpan<byte> bytes)
        {
        }
    }
}
