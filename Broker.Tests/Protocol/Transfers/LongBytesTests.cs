using Broker.Core.Buffers;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Transfers;
using Xunit;

namespace Broker.Tests.Protocol.Transfers;

public sealed class LongBytesTests
{
    private readonly byte[] _whole = [.. Enumerable.Range(0, 250).Select(i => (byte)i)];
    private readonly ChunkBudget _budget = new(1 << 20);

    // The bytes from some place on, in chunks of 1 to 60 bytes.
    private LongBytes Share(int from)
    {
        var table = new ChunkTable(new ChunkLimits(), _budget, ProcessBuffers.Shared);
        int[] sizes = [1, 60, 7, 60, 60, 2, 60];
        ChunkArrival arrival = default;
        for (int i = 0, at = 0; i < sizes.Length; at += sizes[i++])
        {
            var chunk = new Chunk { Index = (uint)i, Total = (uint)sizes.Length, Data = _whole.AsSpan(at, sizes[i]) };
            Assert.Equal(ChunkError.None, table.Add(chunk, TimeSpan.Zero, out arrival));
        }

        return arrival.Payload!.Share(from);
    }

    [Fact]
    public void Any_part_of_what_came_in_chunks_can_be_copied()
    {
        foreach (int from in (int[])[0, 1, 2, 61, 67, 68, 100, 249])
        {
            LongBytes shared = Share(from);
            Assert.Equal(_whole.Length - from, shared.Bytes);
            Assert.Equal(_whole[from..], shared.ToArray());
            for (int start = 0; start < shared.Bytes; start += 13)
            {
                byte[] part = new byte[Math.Min(70, shared.Bytes - start)];
                shared.CopyTo(start, part);
                Assert.Equal(_whole.AsSpan(from + start, part.Length).ToArray(), part);
            }

            Assert.Throws<ArgumentOutOfRangeException>(() => shared.CopyTo(shared.Bytes, new byte[1]));
            shared.Release();
        }
    }

    [Fact]
    public void The_last_reference_returns_the_bytes()
    {
        LongBytes shared = Share(0);
        Assert.True(_budget.Bytes >= _whole.Length);
        var source = new LongBytesSource([1, 2, 3], shared);
        shared.Release();
        Assert.True(_budget.Bytes >= _whole.Length);

        byte[] message = new byte[source.Bytes];
        source.CopyTo(0, message.AsSpan(0, 2));
        source.CopyTo(2, message.AsSpan(2));
        Assert.Equal([1, 2, 3, .. _whole], message);
        source.Dispose();

        Assert.Equal(0, _budget.Bytes);
        source.Dispose();
        Assert.Equal(0, _budget.Bytes);
        Assert.Throws<ObjectDisposedException>(shared.Release);
    }

    [Fact]
    public void A_lost_reservation_is_returned_by_the_garbage_collector()
    {
        Lose();
        SpinWait.SpinUntil(() =>
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return _budget.Bytes == 0;
        }, TimeSpan.FromSeconds(60));

        Assert.Equal(0, _budget.Bytes);

        [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
        void Lose()
        {
            Share(5).AddRef();
            ChunkReservation.TryTake(new ChunkBudget(1000), _budget, 1000);
        }
    }

    [Fact]
    public void A_hold_takes_of_both_budgets_or_of_none()
    {
        ChunkBudget connection = new(100), process = new(150);
        ChunkReservation first = ChunkReservation.TryTake(connection, process, 90)!;
        Assert.Null(ChunkReservation.TryTake(connection, process, 11));
        Assert.Null(ChunkReservation.TryTake(new ChunkBudget(100), process, 61));
        Assert.Equal((90, 90), (connection.Bytes, process.Bytes));

        first.Dispose();
        first.Dispose();
        Assert.Equal((0, 0), (connection.Bytes, process.Bytes));
    }

    [Fact]
    public void A_reference_that_races_with_the_last_release_has_the_bytes_or_fails()
    {
        for (int round = 0; round < 2000; round++)
        {
            var owner = new Owner();
            var bytes = new LongBytes([new byte[8]], owner);
            bool added = false;
            Parallel.Invoke(() => added = bytes.TryAddRef(), bytes.Release);

            Assert.Equal(!added, owner.IsDisposed);
            if (added) bytes.Release();
            Assert.True(owner.IsDisposed);
            Assert.False(bytes.TryAddRef());
        }
    }

    private sealed class Owner : IDisposable
    {
        public bool IsDisposed { get; private set; }

        public void Dispose() => IsDisposed = true;
    }
}
