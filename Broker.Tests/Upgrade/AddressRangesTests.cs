using System.Net;
using Broker.Core.Upgrade;

namespace Broker.Tests.Upgrade;

public sealed class AddressRangesTests
{
    [Theory]
    [InlineData("10.0.0.0/8", "10.0.0.0/8")]
    [InlineData("10.0.0.7", "10.0.0.7/32")]
    [InlineData("0.0.0.0/0", "0.0.0.0/0")]
    [InlineData("2001:db8::/32", "2001:db8::/32")]
    [InlineData("::1", "::1/128")]
    [InlineData("::ffff:10.0.0.0/104", "10.0.0.0/8")]
    [InlineData("::ffff:10.0.0.7", "10.0.0.7/32")]
    public void A_range_is_an_address_and_perhaps_a_prefix(string text, string expected)
    {
        Assert.True(AddressRanges.TryRead(text, out IPNetwork range));
        Assert.Equal(expected, range.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("/8")]
    [InlineData("1/8")]
    [InlineData("10.0.0/8")]
    [InlineData("010.0.0.0/8")]
    [InlineData("0x0a.0.0.0/8")]
    [InlineData("10.0.0.0/")]
    [InlineData("10.0.0.0/33")]
    [InlineData("10.0.0.0/-1")]
    [InlineData("10.0.0.0/255.0.0.0")]
    [InlineData("10.0.0.7/8")]
    [InlineData("2001:db8::7/32")]
    [InlineData("::ffff:10.0.0.0/64")]
    [InlineData("fe80::1%eth0/128")]
    [InlineData("[::1]")]
    [InlineData("localhost")]
    [InlineData(" 10.0.0.0/8")]
    public void What_can_be_read_in_two_ways_or_in_none_is_no_range(string text) => Assert.False(AddressRanges.TryRead(text, out _));

    [Theory]
    [InlineData("10.255.255.255", true)]
    [InlineData("11.0.0.0", false)]
    [InlineData("::ffff:10.1.2.3", true)]
    [InlineData("::ffff:11.1.2.3", false)]
    [InlineData("192.0.2.7", true)]
    [InlineData("192.0.2.8", false)]
    [InlineData("2001:db8::1", true)]
    [InlineData("2001:db9::1", false)]
    [InlineData("::10.1.2.3", false)]
    public void An_address_is_in_a_range_in_either_form(string address, bool expected)
    {
        var ranges = new AddressRanges([IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("192.0.2.7/32"), IPNetwork.Parse("2001:db8::/32")]);

        Assert.Equal(expected, ranges.Contains(IPAddress.Parse(address)));
    }
}
