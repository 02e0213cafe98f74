using Broker.Core.Buffers;
using Broker.Core.Framing;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.Wire;

namespace Broker.Tests.Protocol.Messages;

public sealed class MessageBatchTests
{
    private readonly CountingPool _pool = new();

    [Fact]
    public void Batched_messages_stand_in_one_frame_behind_one_tag()
    {
        var batch = new MessageBatch(batched: true);
        batch.Append(new Ping { Mark = 1 }, _pool);
        batch.Append(Bytes("aa bb"), _pool);

        Assert.Equal(13 + 2, batch.Length);
        Assert.Equal(Bytes("82 10 00  03 08000000 0100000000000000  aabb"), Sealed(ref batch));
    }

    [Fact]
    public void Unbatched_messages_stand_each_in_its_own_frame()
    {
        var batch = new MessageBatch(batched: false);
        batch.Append(new Ping { Mark = 1 }, _pool);
        batch.Append(Bytes("aa bb"), _pool);

        Assert.Equal(Bytes("82 0e 00  03 08000000 0100000000000000  82 03 00 aabb"), Sealed(ref batch));
    }

    [Theory, InlineData(0), InlineData(124), InlineData(125), InlineData(65_534), InlineData(65_535), InlineData(600_000)]
    public void The_header_fits_whatever_the_length_and_is_the_same_for_one_message(int length)
    {
        byte[] message = new byte[length];
        byte[] expected = FrameWriter.Frame(Opcode.Binary, [0, .. message]);
        foreach (bool batched in new[] { true, false })
        {
            var batch = new MessageBatch(batched);
            batch.Append(message, _pool);

            Assert.Equal(expected, Sealed(ref batch));
        }
    }

    [Fact]
    public void Many_messages_grow_the_buffer_and_keep_their_order()
    {
        foreach (bool batched in new[] { true, false })
        {
            var batch = new MessageBatch(batched);
            byte[][] messages = [.. Enumerable.Range(0, 300).Select(i => NativeWriter.Message(new Ping { Mark = (ulong)i }))];
            foreach (byte[] message in messages) batch.Append(message, _pool);

            byte[] expected = batched
                ? FrameWriter.Frame(Opcode.Binary, [0, .. messages.SelectMany(message => message)])
                : [.. messages.SelectMany(message => FrameWriter.Frame(Opcode.Binary, [0, .. message]))];
            Assert.Equal(expected, Sealed(ref batch));
        }
    }

    [Fact]
    public void A_sum_that_equals_the_bound_fits_and_one_byte_more_does_not()
    {
        var batch = new MessageBatch(batched: true);
        Assert.True(batch.HasRoomFor(1000, bytesMax: 10));
        batch.Append(new byte[4], _pool);

        Assert.True(batch.HasRoomFor(6, bytesMax: 10));
        Assert.False(batch.HasRoomFor(7, bytesMax: 10));
        batch.Clear();
        Assert.True(batch.IsEmpty);
        Assert.Equal(0, _pool.Outstanding);
    }

    [Fact]
    public void A_frame_takes_as_many_messages_as_a_client_reads()
    {
        var batch = new MessageBatch(batched: true);
        for (int i = 0; i < NativeProtocol.MessagesPerFrameMax; i++)
        {
            Assert.True(batch.HasRoomFor(1, bytesMax: 1 << 20));
            batch.Append(new byte[1], _pool);
        }

        Assert.False(batch.HasRoomFor(1, bytesMax: 1 << 20));
        batch.Clear();
    }

    private byte[] Sealed(ref MessageBatch batch)
    {
        SharedBytes bytes = batch.Seal(out int start);
        byte[] copy = bytes.Array[start..bytes.Length];
        bytes.Release();
        Assert.True(batch.IsEmpty);
        Assert.Equal(0, _pool.Outstanding);
        return copy;
    }
}
