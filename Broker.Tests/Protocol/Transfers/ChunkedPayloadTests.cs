using Broker.Core.Buffers;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Protocol.Transfers;

public sealed class ChunkedPayloadTests
{
    private readonly byte[] _whole = [.. Enumerable.Range(0, 250).Select(i => (byte)i)];
    private readonly ChunkBudget _budget = new(1 << 20);
    private readonly CountingPool _pool = new();

    [Theory]
    [InlineData(0), InlineData(1), InlineData(61), InlineData(62), InlineData(68), InlineData(249), InlineData(250)]
    public void All_from_some_byte_on_is_moved_to_one_array(int from)
    {
        byte[] moved = Whole(_pool).MoveToArray(from);

        Assert.Equal(_whole[from..], moved);
        Assert.Equal((0, 0L), (_pool.Outstanding, _budget.Bytes));
    }

    [Fact]
    public void Each_chunk_is_given_back_before_the_next_is_copied()
    {
        var pool = new WatchedPool(_budget);
        ChunkedPayload payload = Whole(pool);
        Assert.Equal(7 * 256, _budget.Bytes);

        byte[] moved = payload.MoveToArray();

        Assert.Equal(_whole, moved);
        Assert.Equal([1792, 1536, 1280, 1024, 768, 512, 256], pool.HeldAtReturn);
        payload.Dispose();
        Assert.Equal(0, _budget.Bytes);
    }

    [Fact]
    public void What_is_moved_chunk_by_chunk_is_whole_and_held_less_with_each()
    {
        ChunkedPayload payload = Whole(_pool);
        byte[] target = new byte[250];
        int length = 0, left = 7;

        while (payload.TryMoveNext(target.AsSpan(length), out int bytes))
        {
            length += bytes;
            Assert.Equal((--left, left * 256L), (_pool.Outstanding, _budget.Bytes));
        }

        Assert.Equal(_whole, target);
        Assert.False(payload.TryMoveNext(target, out _));
        Assert.Throws<ObjectDisposedException>(() => payload.Count);
    }

    [Fact]
    public void What_is_not_moved_is_given_back_with_the_payload()
    {
        ChunkedPayload payload = Whole(_pool);
        Assert.True(payload.TryMoveNext(new byte[250], out _));

        payload.Dispose();

        Assert.Equal((0, 0L), (_pool.Outstanding, _budget.Bytes));
    }

    // In chunks of 1 to 60 bytes, each in a buffer of 256.
    private ChunkedPayload Whole(BufferPool pool)
    {
        var table = new ChunkTable(new ChunkLimits { WindowChunks = 9 }, _budget, pool);
        int[] sizes = [1, 60, 7, 60, 60, 2, 60];
        ChunkArrival arrival = default;
        for (int i = 0, at = 0; i < sizes.Length; at += sizes[i++])
        {
            var chunk = new Chunk { Index = (uint)i, Total = (uint)sizes.Length, Data = _whole.AsSpan(at, sizes[i]) };
            Assert.Equal(ChunkError.None, table.Add(chunk, TimeSpan.Zero, out arrival));
        }

        return arrival.Payload!;
    }

    private sealed class WatchedPool(ChunkBudget budget) : BufferPool
    {
        public List<long> HeldAtReturn { get; } = [];

        public override void Return(byte[] buffer)
        {
            HeldAtReturn.Add(budget.Bytes);
            Array.Clear(buffer);
            base.Return(buffer);
        }
    }
}
