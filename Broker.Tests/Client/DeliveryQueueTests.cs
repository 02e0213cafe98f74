using Broker.Client;

namespace Broker.Tests.Client;

public sealed class DeliveryQueueTests
{
    [Fact]
    public async Task A_slow_reader_loses_the_oldest_and_gets_the_count()
    {
        var queue = new DeliveryQueue(bytesMax: 3 * (96 + 100));
        for (ulong offset = 1; offset <= 5; offset++) queue.Add("news", offset, new byte[100]);

        Delivery third = (await queue.NextAsync(default))!;
        Delivery fourth = (await queue.NextAsync(default))!;

        Assert.Equal((3ul, Gap.Certain, 2ul), (third.Offset, third.GapBefore, third.Missed));
        Assert.Equal((4ul, Gap.None, 0ul), (fourth.Offset, fourth.GapBefore, fourth.Missed));
    }

    [Fact]
    public async Task A_gap_stands_before_the_delivery_that_came_after_it_and_one_larger_than_the_bound_is_kept()
    {
        var queue = new DeliveryQueue(bytesMax: 10);
        queue.Add("news", 1, new byte[100]);
        queue.AddGap(Gap.Possible, 0);
        Delivery first = (await queue.NextAsync(default))!;
        queue.AddGap(Gap.Certain, 3);
        queue.Add("news", 5, new byte[100]);
        Delivery second = (await queue.NextAsync(default))!;

        Assert.Equal((1ul, Gap.None), (first.Offset, first.GapBefore));
        Assert.Equal((5ul, Gap.Certain, 3ul), (second.Offset, second.GapBefore, second.Missed));
    }

    [Fact]
    public async Task What_is_there_is_read_before_the_end()
    {
        var queue = new DeliveryQueue(bytesMax: 1000);
        queue.Add("news", 1, default);
        queue.End(new BrokerException("over"));
        queue.End(failure: null);

        Assert.NotNull(await queue.NextAsync(default));
        await Assert.ThrowsAsync<BrokerException>(async () => await queue.NextAsync(default));
    }

    [Fact]
    public async Task A_waiting_reader_receives_and_may_cancel()
    {
        var queue = new DeliveryQueue(bytesMax: 1000);
        Task<Delivery?> next = queue.NextAsync(default).AsTask();
        using var cancel = new CancellationTokenSource();
        queue.Add("news", 1, default);
        Assert.Equal(1ul, (await next)!.Offset);

        Task<Delivery?> given = queue.NextAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given);
    }
}
