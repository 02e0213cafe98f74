using Broker.Reactor.Sockets;
using Microsoft.Extensions.Time.Testing;

namespace Broker.Tests.Reactor.Sockets;

/// <summary>How many file descriptors are kept, and from which number on.</summary>
public sealed class DescriptorReserveTests
{
    [Theory]
    [InlineData(512, 64)]
    [InlineData(4096, 256)]
    [InlineData(20_000, 256)]
    [InlineData(int.MaxValue, 256)]
    public void Keeps_64_to_256_descriptors_below_the_limit(int limit, int size)
    {
        using var reserve = new DescriptorReserve(limit, new HashSet<int> { 0, 1, 2 }, new FakeTimeProvider());

        Assert.Equal((size, limit - size), (reserve.Size, reserve.ClientsEnd));
    }

    [Fact]
    public void What_is_open_inside_the_reserve_is_not_counted_for_it()
    {
        using var reserve = new DescriptorReserve(1024, new HashSet<int> { 1000, 1001, 1023 }, new FakeTimeProvider());

        Assert.Equal(1024 - 64 - 3, reserve.ClientsEnd);
    }

    [Fact]
    public void A_limit_without_room_names_what_is_needed()
    {
        using var reserve = new DescriptorReserve(256, Enumerable.Range(0, 224).ToHashSet(), new FakeTimeProvider());

        var refused = Assert.Throws<InvalidOperationException>(reserve.RequireRoom);
        Assert.Contains(
            "The limit of open files is 256, and 224 are open before the first client: at least 368", refused.Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public void A_quarter_of_the_reserve_is_spare_for_a_moment()
    {
        using var reserve = new DescriptorReserve(1024, new HashSet<int>(), new FakeTimeProvider());

        for (int i = 0; i < 16; i++) Assert.True(reserve.TryTakeSpare());
        Assert.False(reserve.TryTakeSpare());
        reserve.ReturnSpare();
        Assert.True(reserve.TryTakeSpare());
    }

    [Fact]
    public void A_shortage_is_logged_when_it_begins_and_when_it_ends()
    {
        if (!SocketReactor.IsSupported) return;
        var time = new FakeTimeProvider();
        using var reserve = new DescriptorReserve(1 << 20, new HashSet<int>(), time);
        var reported = new List<bool>();
        reserve.Changed += reported.Add;

        Assert.False(reserve.IsReserved(3));
        Assert.True(reserve.IsReserved(reserve.ClientsEnd));
        reserve.BeginShortage();
        Assert.Equal([true], reported);
        Assert.True(reserve.IsShort);

        time.Advance(TimeSpan.FromMilliseconds(1900));
        Assert.True(reserve.IsShort);
        time.Advance(TimeSpan.FromMilliseconds(100));
        Assert.Equal([true, false], reported);
        Assert.Equal((false, 1L), (reserve.IsShort, reserve.Shortages));
    }
}
