using Broker.Core.Framing;
using static Broker.Tests.Support.Wire;

namespace Broker.Tests.Framing;

public sealed class TrailingCloseTests
{
    [Theory]
    [InlineData("88 80 01020304", true)]
    [InlineData("88 82 01020304 02ea", true)]
    [InlineData("88 00", true)]
    [InlineData("81 85 37fa213d 7f9f4d5158 88 82 00000000 03e8", true)]
    [InlineData("88 88 01020304 8888888888888888", true)]
    [InlineData("", false)]
    [InlineData("88", false)]
    [InlineData("88 82 01020304 02", false)]
    [InlineData("88 80 01020304 00", false)]
    [InlineData("08 80 01020304", false)]
    [InlineData("89 80 01020304", false)]
    public void A_read_ends_in_a_whole_Close_frame_or_not(string hex, bool expected) =>
        Assert.Equal(expected, TrailingClose.IsClose(Bytes(hex)));

    [Fact]
    public void A_Close_frame_that_is_too_long_is_a_last_word_too() =>
        Assert.True(TrailingClose.IsClose([0x81, 0x00, 0x88, 0xfe, 0, 126, 1, 2, 3, 4, .. new byte[126]]));
}
