using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;

namespace Broker.Tests.Protocol.Transfers;

public sealed class StreamHistoryTests
{
    [Theory]
    [InlineData(ChunkError.Cancelled, 0u)]
    [InlineData(ChunkError.Expired, 0u)]
    [InlineData(ChunkError.Cancelled, uint.MaxValue - 100)]
    public void How_a_stream_ended_is_known_behind_256_newer_numbers(ChunkError end, uint first)
    {
        var history = new StreamHistory();
        history.Open(first);
        history.Spend(first, end);
        for (uint i = 1; i <= 1000; i++)
        {
            history.Open(first + i);
            history.Spend(first + i, ChunkError.Finished);

            Assert.Equal(end, history.Of(first));
            Assert.Equal(ChunkError.Finished, history.Of(first + i));
        }

        Assert.Equal(ChunkError.Finished, history.Of(first + 1));
        Assert.Equal(ChunkError.None, history.Of(first + 1001));
    }

    [Fact]
    public void A_leap_over_many_numbers_forgets_no_end()
    {
        var history = new StreamHistory();
        history.Open(0);
        history.Spend(0, ChunkError.Finished);
        history.Open(1);
        history.Spend(1, ChunkError.Cancelled);

        history.Open(1_000_000);

        Assert.Equal((ChunkError.Finished, ChunkError.Cancelled), (history.Of(0), history.Of(1)));
    }

    [Fact]
    public void No_more_than_1024_old_ends_are_kept_and_the_oldest_go()
    {
        const uint Streams = 1024 + 256 + 10;
        var history = new StreamHistory();
        for (uint i = 0; i < Streams; i++)
        {
            history.Open(i);
            history.Spend(i, ChunkError.Cancelled);
        }

        Assert.Equal(Enumerable.Repeat(ChunkError.Finished, 10), Enumerable.Range(0, 10).Select(i => history.Of((uint)i)));
        Assert.All(Enumerable.Range(10, (int)Streams - 10), i => Assert.Equal(ChunkError.Cancelled, history.Of((uint)i)));
    }
}
