using Broker.Core.Buffers;
using Broker.Core.Protocol.Transfers;
using Xunit;

namespace Broker.Tests.Protocol.Transfers;

public sealed class ChunkBudgetTests
{
    private readonly ChunkBudget _budget = new(1000);

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);

    [Fact]
    public void Reservations_leave_a_quarter_for_what_needs_none()
    {
        Assert.True(_budget.TryReserve(700, At(0)));
        Assert.False(_budget.TryReserve(51, At(0)));
        Assert.True(_budget.TryReserve(50, At(0)));
        Assert.True(_budget.TryTake(250));
        Assert.False(_budget.TryTake(1));

        _budget.ReturnReserved(750);
        _budget.Return(250);
        Assert.Equal(0, _budget.Bytes);
    }

    [Fact]
    public void One_reservation_alone_may_have_all()
    {
        Assert.True(_budget.TryReserve(1000, At(0)));
        Assert.False(_budget.TryReserve(1, At(0)));
    }

    [Fact]
    public void No_transfer_is_shed_before_another_waits_long_enough()
    {
        Assert.False(_budget.TryShed(0, At(100)));
        _budget.TryReserve(1000, At(100));
        _budget.TryReserve(1, At(100));
        Assert.False(_budget.TryShed(0, At(100.4)));
        Assert.True(_budget.IsUnderPressure(At(101.9)));

        // The one that waited has gone.
        Assert.False(_budget.TryShed(0, At(102.1)));
        Assert.False(_budget.IsUnderPressure(At(102.1)));
    }

    [Fact]
    public void The_slowest_is_shed_first_one_at_a_time_and_the_fast_never()
    {
        _budget.TryReserve(1000, At(0));
        for (double time = 0; time <= 20; time += 0.1) _budget.TryReserve(1, At(time));

        Assert.False(_budget.TryShed(bytesPerSecond: 1024 * 1024, At(20)));
        Assert.True(_budget.TryShed(bytesPerSecond: 1024 * 1023, At(20)));
        Assert.False(_budget.TryShed(bytesPerSecond: 0, At(20.1)));
        Assert.True(_budget.TryShed(bytesPerSecond: 0, At(20.3)));
    }

    [Fact]
    public void A_short_wait_sheds_only_the_slowest()
    {
        _budget.TryReserve(1000, At(0));
        for (double time = 0; time <= 2.5; time += 0.1) _budget.TryReserve(1, At(time));

        Assert.False(_budget.TryShed(bytesPerSecond: 16 * 1024, At(2.5)));
        Assert.True(_budget.TryShed(bytesPerSecond: 16 * 1023, At(2.5)));
    }

    [Fact]
    public void Bytes_at_count_zero_cannot_be_referenced_again()
    {
        var bytes = new LongBytes(new byte[10]);
        Assert.True(bytes.TryAddRef());
        bytes.Release();
        bytes.Release();

        Assert.False(bytes.TryAddRef());
        Assert.Throws<ObjectDisposedException>(() => bytes.AddRef());
        Assert.Throws<ObjectDisposedException>(() => bytes.CopyTo(0, new byte[1]));
    }

    [Fact]
    public void A_reservation_that_races_the_last_release_fails()
    {
        for (int i = 0; i < 2000; i++)
        {
            int disposed = 0;
            var bytes = new LongBytes([new byte[10]], new Owner(() => Interlocked.Increment(ref disposed)));
            Parallel.Invoke(bytes.Release, () =>
            {
                if (!bytes.TryAddRef()) return;
                Assert.Equal(0, Volatile.Read(ref disposed));
                bytes.CopyTo(0, new byte[10]);
                bytes.Release();
            });
            Assert.Equal(1, disposed);
        }
    }

    private sealed class Owner(Action then) : IDisposable
    {
        public void Dispose() => then();
    }
}
