using Broker.Core.Buffers;
using Xunit;

namespace Broker.Tests.Buffers;

public sealed class BufferPoolTests
{
    [Theory]
    [InlineData(0, 256)]
    [InlineData(1, 256)]
    [InlineData(257, 512)]
    [InlineData(1024, 1024)]
    [InlineData(65546, 131072)]
    [InlineData(1048576, 1048576)]
    [InlineData(1048577, 1048577)]
    public void A_buffer_is_of_the_smallest_class_that_holds_the_minimum(int minimum, int length)
    {
        var pool = new BufferPool();

        Assert.Equal(length, pool.Rent(minimum).Length);
        Assert.Equal(1, pool.Outstanding);
    }

    [Fact]
    public void A_buffer_given_back_is_the_next_one_of_its_class()
    {
        var pool = new BufferPool();
        byte[] first = pool.Rent(1000);
        pool.Return(first);

        Assert.Equal(1024, pool.KeptBytes);
        Assert.NotSame(first, pool.Rent(2000));
        Assert.Same(first, pool.Rent(600));
        Assert.Equal(0, pool.KeptBytes);
        Assert.Equal(2, pool.Outstanding);
    }

    [Fact]
    public void A_buffer_above_the_largest_class_is_dropped()
    {
        var pool = new BufferPool();

        pool.Return(pool.Rent(BufferPool.BufferBytesMax * 2));

        Assert.Equal(0, pool.KeptBytes);
        Assert.Equal(0, pool.Outstanding);
    }

    [Fact]
    public void The_pool_keeps_no_more_than_its_bound()
    {
        var pool = new BufferPool(keptBytesMax: 3000);
        byte[][] rented = [pool.Rent(1024), pool.Rent(1024), pool.Rent(1024), pool.Rent(512)];

        foreach (byte[] buffer in rented) pool.Return(buffer);

        Assert.Equal(2560, pool.KeptBytes);
        Assert.Equal(0, pool.Outstanding);
    }
}
