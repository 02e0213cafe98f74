using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Xunit;

namespace Broker.Tests.Protocol.Transfers;

public sealed class StreamHistoryTests
{
    [Theory, InlineData(0u), InlineData(uint.MaxValue - 300)]
    public void A_cancelled_number_is_cancelled_also_after_256_newer_ones(uint first)
    {
        var history = new StreamHistory();
        for (uint i = 0; i < 2000; i++) history.Spend(first + i, i % 100 == 7 ? ChunkError.Cancelled : ChunkError.Finished);

        for (uint i = 0; i < 2000; i++) Assert.Equal(i % 100 == 7 ? ChunkError.Cancelled : ChunkError.Finished, history.Of(first + i));
        Assert.Equal(ChunkError.None, history.Of(first + 2000));
    }

    [Fact]
    public void A_stream_that_outlives_256_newer_ones_and_is_dropped_is_cancelled()
    {
        var history = new StreamHistory();
        history.Open(0);
        for (uint i = 1; i < 600; i++) history.Spend(i, ChunkError.Finished);

        history.Spend(0, ChunkError.Cancelled);

        Assert.Equal((ChunkError.Cancelled, ChunkError.Finished), (history.Of(0), history.Of(1)));
    }

    [Fact]
    public void However_many_are_cancelled_the_oldest_stay_cancelled()
    {
        var history = new StreamHistory();
        for (uint i = 0; i < 10_000; i++) history.Spend(i, i % 2 == 0 ? ChunkError.Cancelled : ChunkError.Finished);

        for (uint i = 0; i < 10_000; i += 2) Assert.Equal(ChunkError.Cancelled, history.Of(i));
        Assert.Equal(ChunkError.Finished, history.Of(9_999));
    }

    [Fact]
    public void A_jump_ahead_keeps_cancelled_numbers()
    {
        var history = new StreamHistory();
        history.Spend(3, ChunkError.Cancelled);

        history.Open(1_000_000);

        Assert.Equal(
            (ChunkError.Cancelled, ChunkError.Finished, ChunkError.None), (history.Of(3), history.Of(500_000), history.Of(1_000_001)));
    }
}
