using System.Net;
using Broker.Core.Upgrade;

namespace Broker.Tests.Upgrade;

/// <summary>Proxies are at 10.0.0.0/8 and 2001:db8:a::/48; the one that is elsewhere is a client.</summary>
public sealed class ForwardedRouteTests
{
    private static readonly AddressRanges s_proxies = new([IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("2001:db8:a::/48")]);

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.1:0")]
    [InlineData("192.0.2.1:4711", "192.0.2.1:4711")]
    [InlineData("2001:db8::1", "[2001:db8::1]:0")]
    [InlineData("[2001:db8::1]", "[2001:db8::1]:0")]
    [InlineData("[2001:db8::1]:4711", "[2001:db8::1]:4711")]
    [InlineData("::ffff:192.0.2.1", "192.0.2.1:0")]
    [InlineData("192.0.2.1, 10.0.0.2", "192.0.2.1:0")]
    [InlineData("192.0.2.1, 2001:db8:a::2, 10.0.0.2", "192.0.2.1:0")]
    [InlineData("203.0.113.9, 192.0.2.1, 10.0.0.2", "192.0.2.1:0")]
    [InlineData("10.0.0.9, 192.0.2.1", "192.0.2.1:0")]
    [InlineData("192.0.2.1,, 10.0.0.2,", "192.0.2.1:0")]
    [InlineData("10.0.0.3, 10.0.0.2", "10.0.0.3:0")]
    [InlineData("192.0.2.1, unknown", "10.0.0.1:80")]
    [InlineData("192.0.2.1, unknown, 10.0.0.2", "10.0.0.2:0")]
    [InlineData("192.0.2.1:99999", "10.0.0.1:80")]
    [InlineData("1", "10.0.0.1:80")]
    [InlineData("0300.0.2.1", "10.0.0.1:80")]
    [InlineData("[192.0.2.1]", "10.0.0.1:80")]
    [InlineData("fe80::1%eth0", "10.0.0.1:80")]
    [InlineData("", "10.0.0.1:80")]
    public void Addresses_are_walked_from_the_right_over_proxies_to_the_first_that_is_none(string value, string expected) =>
        Assert.Equal(expected, ClientOf(ForwardedHeader.XForwardedFor, "10.0.0.1", $"X-Forwarded-For: {value}"));

    [Fact]
    public void A_line_that_a_proxy_adds_stands_behind_the_clients_own() =>
        Assert.Equal(
            "192.0.2.1:0",
                ClientOf(ForwardedHeader.XForwardedFor, "10.0.0.1", "X-Forwarded-For: 203.0.113.9", "x-forwarded-for: 192.0.2.1"));

    [Fact]
    public void Without_the_header_the_peer_is_the_client() =>
        Assert.Equal("10.0.0.1:80", ClientOf(ForwardedHeader.XForwardedFor, "10.0.0.1"));

    [Theory]
    [InlineData(ForwardedHeader.XForwardedFor, "X-Forwarded-For: 203.0.113.9")]
    [InlineData(ForwardedHeader.Forwarded, "Forwarded: for=203.0.113.9")]
    public void A_peer_that_is_no_proxy_is_not_trusted(ForwardedHeader header, string line) =>
        Assert.Equal("192.0.2.7:80", ClientOf(header, "192.0.2.7", line));

    [Fact]
    public void A_peer_of_IPv4_in_the_clothes_of_IPv6_is_believed_as_what_it_is() =>
        Assert.Equal("192.0.2.1:0", ClientOf(ForwardedHeader.XForwardedFor, "::ffff:10.0.0.1", "X-Forwarded-For: 192.0.2.1"));

    [Theory]
    [InlineData(ForwardedHeader.XForwardedFor, "192.0.2.1:0")]
    [InlineData(ForwardedHeader.Forwarded, "203.0.113.9:0")]
    public void Only_the_header_that_is_configured_is_read(ForwardedHeader header, string expected) =>
        Assert.Equal(expected, ClientOf(header, "10.0.0.1", "Forwarded: for=203.0.113.9", "X-Forwarded-For: 192.0.2.1"));

    [Theory]
    [InlineData("for=192.0.2.1", "192.0.2.1:0")]
    [InlineData("For=192.0.2.1;proto=http;by=203.0.113.43", "192.0.2.1:0")]
    [InlineData("proto=http; for=\"192.0.2.1:4711\" ;by=_hub", "192.0.2.1:4711")]
    [InlineData("for=\"[2001:db8::1]:4711\"", "[2001:db8::1]:4711")]
    [InlineData("for=\"\\192.0.2.1\"", "192.0.2.1:0")]
    [InlineData("for=203.0.113.9, for=192.0.2.1,for=\"[2001:db8:a::2]\"", "192.0.2.1:0")]
    [InlineData("for=192.0.2.1;ext=\"a, for=203.0.113.9\"", "192.0.2.1:0")]
    [InlineData("for=unknown, for=10.0.0.2", "10.0.0.2:0")]
    [InlineData("for=192.0.2.1, for=_hidden", "10.0.0.1:80")]
    [InlineData("for=192.0.2.1, proto=http", "10.0.0.1:80")]
    [InlineData("for=192.0.2.1;for=203.0.113.9", "10.0.0.1:80")]
    [InlineData("for=\"192.0.2.1", "10.0.0.1:80")]
    [InlineData("for=\"192.0.2.1\\", "10.0.0.1:80")]
    [InlineData("for 192.0.2.1", "10.0.0.1:80")]
    [InlineData("for=", "10.0.0.1:80")]
    [InlineData("", "10.0.0.1:80")]
    public void The_for_of_each_element_is_walked_likewise(string value, string expected) =>
        Assert.Equal(expected, ClientOf(ForwardedHeader.Forwarded, "10.0.0.1", $"Forwarded: {value}"));

    [Theory]
    [InlineData("for=203.0.113.9;x=\"", ", for=\"[2001:db8::1]:4711\"")]
    [InlineData("for=203.0.113.9;x=\"", ", for=192.0.2.1")]
    [InlineData("for=203.0.113.9;x=\"", ", for=192.0.2.1;by=\"[2001:db8:a::1]\"")]
    public void What_a_client_leaves_open_swallows_nothing_that_a_proxy_adds(string written, string added) =>
        Assert.Equal("10.0.0.1:80", ClientOf(ForwardedHeader.Forwarded, "10.0.0.1", $"Forwarded: {written}{added}"));

    private static string ClientOf(ForwardedHeader header, string peer, params string[] lines)
    {
        var trust = new ProxyTrust { Forwarded = s_proxies, Header = header };
        return ForwardedRoute.ClientOf(Heads.Read(Heads.With(lines)), new IPEndPoint(IPAddress.Parse(peer), 80), trust).ToString();
    }
}
