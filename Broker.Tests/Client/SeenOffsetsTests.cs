using Broker.Client;
using CsCheck;

namespace Broker.Tests.Client;

public sealed class SeenOffsetsTests
{
    [Fact]
    public void The_position_to_resume_from_is_before_the_first_hole()
    {
        var seen = new SeenOffsets();
        seen.Reset(10);

        Assert.True(seen.TryAdd(11));
        Assert.True(seen.TryAdd(14));
        Assert.True(seen.TryAdd(16));
        Assert.Equal((11ul, 16ul), (seen.Whole, seen.Last));
        Assert.True(seen.TryAdd(12));
        Assert.False(seen.TryAdd(12));
        Assert.Equal(12ul, seen.Whole);
        Assert.True(seen.TryAdd(13));
        Assert.Equal(14ul, seen.Whole);
        Assert.False(seen.TryAdd(9));
        Assert.Equal(1ul, seen.Add(14, 3));
        Assert.Equal(16ul, seen.Whole);
    }

    [Fact]
    public void Whatever_comes_in_any_order_is_new_once() =>
        Gen.Select(Gen.ULong[1, 40], Gen.ULong[0, 6]).Array[0, 60].Sample(ranges =>
        {
            var seen = new SeenOffsets();
            var model = new HashSet<ulong>();
            foreach ((ulong first, ulong count) in ranges)
            {
                ulong added = 0;
                for (ulong offset = first; offset < first + count; offset++) added += model.Add(offset) ? 1ul : 0;
                Assert.Equal(added, seen.Add(first, count));
                ulong whole = 0;
                while (model.Contains(whole + 1)) whole++;
                Assert.Equal((whole, model.Count == 0 ? 0 : model.Max()), (seen.Whole, seen.Last));
            }
        });

    [Fact]
    public void Of_more_holes_than_are_kept_the_first_is_given_up_with_its_size()
    {
        var seen = new SeenOffsets();
        seen.Add(4, 1);
        for (ulong i = 1; i < SeenOffsets.HolesMax; i++) seen.Add(4 + (2 * i), 1);
        Assert.Equal((0ul, 0ul), (seen.GiveUpOldest(), seen.Whole));

        seen.Add(seen.Last + 2, 1);

        Assert.Equal((3ul, 4ul), (seen.GiveUpOldest(), seen.Whole));
        Assert.Equal(0ul, seen.GiveUpOldest());
    }
}
