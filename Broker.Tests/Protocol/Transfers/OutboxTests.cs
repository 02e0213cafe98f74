using System.Buffers;
using Broker.Core.Framing;
using Broker.Core.Protocol;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Broker.Tests.Protocol.Messages;
using Broker.Tests.Support;
using CsCheck;

namespace Broker.Tests.Protocol.Transfers;

public sealed class OutboxTests
{
    [Theory]
    [InlineData(10, 1)]
    [InlineData(29, 1)]
    [InlineData(30, 2)]
    [InlineData(59, 2)]
    [InlineData(60, 3)]
    public void A_sum_that_equals_the_cap_fits_and_one_byte_more_splits(int cap, int count) =>
        Assert.Equal(count, OutboundBatcher.CountFitting([10, 20, 30], cap));

    [Fact]
    public void A_message_over_the_cap_goes_alone()
    {
        Assert.Equal(1, OutboundBatcher.CountFitting([300_000, 1], OutboundBatcher.ClientCapBytes));
        Assert.Equal(1, OutboundBatcher.CountFitting([1, 300_000], OutboundBatcher.ClientCapBytes));
        Assert.Equal(0, OutboundBatcher.CountFitting([], OutboundBatcher.ClientCapBytes));
    }

    [Fact]
    public void A_frame_has_at_most_4096_messages() =>
        Assert.Equal(4096, OutboundBatcher.CountFitting(Enumerable.Repeat(9, 5000).ToArray(), int.MaxValue));

    [Fact]
    public void Frames_hold_all_messages_in_their_order_each_as_full_as_the_cap_allows() =>
        Gen.Select(Gen.Int[1, 400].Array[0, 60], Gen.Int[1, 1000], Gen.Bool).Sample((sizes, cap, batched) =>
        {
            var outbox = new Outbox(batched, cap, new ChunkLimits(), 1 << 20, 1000);
            for (int i = 0; i < sizes.Length; i++)
            {
                Assert.Equal(Posted.Queued, outbox.Post(Enumerable.Repeat((byte)i, sizes[i]).ToArray()));
            }

            int next = 0;
            var frame = new ArrayBufferWriter<byte>();
            while (outbox.TryFillFrame(frame))
            {
                int first = next;
                int sum = 0;
                while (sum < frame.WrittenCount) sum += sizes[next++];
                ReadOnlySpan<byte> rest = frame.WrittenSpan;
                for (int i = first; i < next; i++)
                {
                    Assert.Equal(-1, rest[..sizes[i]].IndexOfAnyExcept((byte)i));
                    rest = rest[sizes[i]..];
                }

                Assert.True(rest.IsEmpty);
                Assert.True(sum <= cap || next == first + 1);
                if (batched && next < sizes.Length) Assert.True(sum + sizes[next] > cap);
                if (!batched) Assert.Equal(first + 1, next);
                frame.ResetWrittenCount();
            }

            Assert.Equal(sizes.Length, next);
            Assert.Equal(0, outbox.QueuedBytes);
        }, iter: 2000);

    [Fact]
    public void A_full_queue_takes_no_more()
    {
        var bytes = new Outbox(batched: true, 100, new ChunkLimits(), queueBytesMax: 20, queueMessagesMax: 100);
        var messages = new Outbox(batched: true, 100, new ChunkLimits(), queueBytesMax: 100, queueMessagesMax: 2);

        Assert.Equal([Posted.Queued, Posted.Queued, Posted.Full], Enumerable.Range(0, 3).Select(_ => bytes.Post(new byte[10])));
        Assert.Equal([Posted.Queued, Posted.Queued, Posted.Full], Enumerable.Range(0, 3).Select(_ => messages.Post(new byte[10])));

        var large = new Outbox(batched: true, 100, new ChunkLimits(), 100, 100, streamBytesMax: 1 << 20);
        Assert.Equal([Posted.Streamed, Posted.Full], Enumerable.Range(0, 2).Select(_ => large.Post(new byte[2 << 20])));
        large.Clear();
        Assert.Equal(Posted.Streamed, large.Post(new byte[2 << 20]));
    }

    // A stream as long as can be, and small messages that come as fast as frames leave: each has its share.
    [Fact]
    public void Neither_small_messages_nor_chunks_hold_up_the_other()
    {
        var outbox = new Outbox(batched: true, OutboundBatcher.ServerCapBytes, new ChunkLimits { WindowChunks = 1000 }, 1 << 30, 1 << 20);
        Assert.Equal(Posted.Streamed, outbox.Post(new byte[16 << 20]));
        byte[] small = NativeWriter.Message(new CallResult { Id = 1, Data = Wire.Pattern(100_000) });
        var frame = new ArrayBufferWriter<byte>(1 << 20);
        int chunks = 0;
        int smalls = 0;
        for (int turn = 0; turn < 130; turn++)
        {
            for (int i = 0; i < 5; i++) Assert.Equal(Posted.Queued, outbox.Post(small));
            frame.ResetWrittenCount();
            Assert.True(outbox.TryFillFrame(frame));
            Assert.InRange(frame.WrittenCount, 1, OutboundBatcher.ServerCapBytes);

            var reader = new NativeReader(frame.WrittenSpan, Side.Client, batched: true);
            int chunksOfFrame = 0;
            while (reader.Read(out NativeMessage message) == OperationStatus.Done)
            {
                if (message.Kind == NativeKind.Chunk) chunksOfFrame++;
                if (message.Kind == NativeKind.Result) smalls++;
            }

            Assert.InRange(chunksOfFrame, 0, 1);
            chunks += chunksOfFrame;
        }

        Assert.InRange(chunks, 64, 65);
        Assert.InRange(smalls, 300, 650);
    }

    [Fact]
    public void A_small_message_overtakes_a_stream()
    {
        var outbox = new Outbox(batched: false, OutboundBatcher.ServerCapBytes, new ChunkLimits(), 1 << 20, 100);
        outbox.Post(new byte[1 << 20]);
        var frame = new ArrayBufferWriter<byte>(1 << 20);
        outbox.TryFillFrame(frame);
        outbox.TryFillFrame(frame);
        byte[] pong = NativeWriter.Message(new Pong { Mark = 1 });
        outbox.Post(pong);
        frame.ResetWrittenCount();

        // In v2 a chunk is owed every other frame, so the second at the latest is the small one.
        Assert.True(outbox.TryFillFrame(frame));
        if (frame.WrittenCount != pong.Length)
        {
            frame.ResetWrittenCount();
            Assert.True(outbox.TryFillFrame(frame));
        }

        Assert.Equal(pong, frame.WrittenSpan.ToArray());
    }
}
