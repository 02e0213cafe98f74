using Broker.Core.Upgrade;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Upgrade;

public sealed class OriginRuleTests
{
    private static readonly OriginRule Good = new(["https://good.example", "http://[2001:db8::1]:8080", "capacitor://localhost"]);

    [Theory]
    [InlineData("https://good.example")]
    [InlineData("HTTPS://Good.EXAMPLE")]
    [InlineData("https://good.example:443")]
    [InlineData("https://good.example:")]
    [InlineData("https://good.example:0443")]
    [InlineData("http://[2001:DB8::1]:8080")]
    [InlineData("capacitor://localhost")]
    public void A_listed_origin_is_allowed_in_any_case_and_with_its_own_port(string origin) =>
        Assert.True(Good.Allows(origin, "hub.example"));

    [Theory]
    [InlineData("http://good.example")]                      // Another scheme
    [InlineData("wss://good.example")]
    [InlineData("https://good.example:8443")]                // Another port
    [InlineData("https://good.example:80")]
    [InlineData("capacitor://localhost:443")]
    [InlineData("http://[2001:db8::1]")]
    public void Another_scheme_or_port_is_another_origin(string origin) =>
        Assert.False(Good.Allows(origin, "hub.example"));

    [Theory]
    [InlineData("https://good.example.evil.com")]            // Prefix
    [InlineData("http://good.example.evil.com")]
    [InlineData("https://good.example.")]
    [InlineData("https://evilgood.example")]                 // Suffix
    [InlineData("https://evil.good.example")]
    [InlineData("https://.good.example")]
    [InlineData("https://good_example")]                     // A dot is a dot
    [InlineData("https://goodXexample")]
    [InlineData("https://evil.com/https://good.example")]    // Behind a path, a query, a fragment
    [InlineData("https://evil.com?https://good.example")]
    [InlineData("https://evil.com#https://good.example")]
    [InlineData("https://good.example@evil.com")]            // User information
    [InlineData("https://evil@good.example")]
    [InlineData("https://:@good.example")]
    [InlineData("https://good.example:443@evil.com")]
    [InlineData("https://good.example/")]                    // More than an origin
    [InlineData("https://good.example?")]
    [InlineData("https://good.example#")]
    [InlineData("https://good.example https://evil.com")]
    [InlineData("https://good.example, https://good.example")]
    [InlineData("https://good.example:44a3")]
    [InlineData("https://good.example:65979")]               // 443 + 2^16
    [InlineData("https://good.example:4294967739")]          // 443 + 2^32
    [InlineData("https://good.example:-443")]
    [InlineData("https://good.example\\.evil.com")]
    [InlineData("https://good.example%2eevil.com")]
    [InlineData("https://good.example\0.evil.com")]
    [InlineData("https://goo\u0501.example")]                // Looks like a d
    [InlineData("\u212Attps://good.example")]                // Folds to a letter outside ASCII
    [InlineData(" https://good.example")]
    [InlineData("https:good.example")]
    [InlineData("https:/good.example")]
    [InlineData("//good.example")]
    [InlineData("good.example")]
    [InlineData("https://")]
    [InlineData("://good.example")]
    [InlineData("1https://good.example")]
    [InlineData("file://")]
    [InlineData("file:///")]
    [InlineData("file://good.example")]
    [InlineData("data:text/html,x")]
    [InlineData("null")]
    [InlineData("NULL")]
    [InlineData("*")]
    [InlineData("")]
    public void What_only_looks_like_a_listed_origin_is_refused(string origin)
    {
        Assert.False(Good.Allows(origin, "hub.example"));
        Assert.False(new OriginRule([]).Allows(origin, "good.example"));
    }

    [Theory]
    [InlineData("http://hub.example", "hub.example", true)]
    [InlineData("https://hub.example", "HUB.example", true)]
    [InlineData("http://hub.example", "hub.example:80", true)]
    [InlineData("https://hub.example", "hub.example:443", true)]
    [InlineData("http://hub.example:8080", "hub.example:8080", true)]
    [InlineData("http://[::1]:8080", "[::1]:8080", true)]
    [InlineData("https://hub.example", "hub.example:80", false)]
    [InlineData("http://hub.example", "hub.example:8080", false)]
    [InlineData("http://hub.example:8080", "hub.example", false)]
    [InlineData("http://evil.example", "hub.example", false)]
    [InlineData("http://hub.example.evil.com", "hub.example", false)]
    [InlineData("http://hub", "hub.example", false)]
    [InlineData("http://hub.example", "", false)]
    [InlineData("null", "null", false)]
    public void An_empty_list_allows_the_host_that_serves_the_page(string origin, string host, bool allowed) =>
        Assert.Equal(allowed, new OriginRule([]).Allows(origin, host));

    [Fact]
    public void A_list_replaces_the_rule_of_the_same_host() =>
        Assert.False(Good.Allows("http://hub.example", "hub.example"));

    [Fact]
    public void A_client_without_an_origin_is_no_browser_and_is_allowed()
    {
        Assert.True(Good.Allows(null, "hub.example"));
        Assert.True(new OriginRule([]).Allows(null, ""));
    }

    [Fact]
    public void The_opaque_origin_is_allowed_where_it_is_listed()
    {
        var rule = new OriginRule(["null", "https://good.example"]);

        Assert.True(rule.Allows("null", "hub.example"));
        Assert.True(rule.Allows("https://good.example", "hub.example"));
        Assert.False(rule.Allows("file://", "hub.example"));
    }

    [Theory]
    [InlineData("https://anyone.example")]
    [InlineData("null")]
    [InlineData("file://")]
    public void A_star_alone_allows_everyone(string origin) =>
        Assert.True(new OriginRule(["*"]).Allows(origin, "hub.example"));

    [Theory]
    [InlineData("*", "https://good.example")]
    [InlineData("https://good.example", "*")]
    [InlineData("https://*.good.example")]
    [InlineData("https://good.example/")]
    [InlineData("good.example")]
    [InlineData("")]
    [InlineData("Null")]
    public void Rejects_a_list_that_would_not_do_what_it_means(params string[] allowed) =>
        Assert.Throws<ArgumentException>(() => new OriginRule(allowed));

    [Fact]
    public void Judging_an_origin_allocates_nothing() =>
        Assert.Equal(0, Allocations.Least(() => Good.Allows("capacitor://localhost", "hub.example")));
}
