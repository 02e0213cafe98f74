using Broker.Core.Upgrade;
using Broker.Tests.Support;

namespace Broker.Tests.Upgrade;

public class HostRuleTests
{
    private static readonly HostRule s_rule = HostRule.For(isLoopbackOnly: true, ["chat.example", "[2001:db8::7]"]);

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:8000")]
    [InlineData("[::1]:8000")]
    [InlineData("10.1.2.3")]
    [InlineData("localhost")]
    [InlineData("LOCALHOST:8000")]
    [InlineData("localhost.")]
    [InlineData("app.localhost:8000")]
    [InlineData("chat.example")]
    [InlineData("Chat.Example:443")]
    [InlineData("chat.example.")]
    [InlineData("")]
    public void Accepts_addresses_localhost_and_configured_names(string host) => Assert.Null(s_rule.Check(host));

    [Theory]
    [InlineData("rebound.example")]
    [InlineData("rebound.example:8000")]
    [InlineData("127.0.0.1.rebound.example")]
    [InlineData("localhost.rebound.example")]
    [InlineData("notlocalhost")]
    [InlineData("chat.example.rebound.example")]
    [InlineData("evilchat.example")]
    [InlineData("127.1")]
    [InlineData("0x7f000001")]
    [InlineData("user@localhost")]
    [InlineData("localhost/")]
    [InlineData(" localhost")]
    public void Every_other_name_is_answered_421(string host) => Assert.Equal(421, s_rule.Check(host)?.Status);

    [Fact]
    public void Beyond_loopback_every_name_is_accepted_unless_some_are_configured()
    {
        Assert.Null(HostRule.For(isLoopbackOnly: false, []).Check("any.example"));
        Assert.Equal(421, HostRule.For(isLoopbackOnly: false, ["chat.example"]).Check("any.example")?.Status);
        Assert.Null(HostRule.For(isLoopbackOnly: true, ["*"]).Check("any.example"));
    }

    [Fact]
    public void Judging_a_host_allocates_nothing() => Assert.Equal(0, Allocations.Least(() => s_rule.Allows("chat.example:8000")));
}
