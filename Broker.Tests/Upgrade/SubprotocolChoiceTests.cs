using Broker.Core.Upgrade;
using Xunit;

namespace Broker.Tests.Upgrade;

public sealed class SubprotocolChoiceTests
{
    private static readonly string[] Supported = ["v3.broker", "v2.broker"];

    [Theory]
    [InlineData("v3.broker", "v3.broker")]
    [InlineData("v2.broker", "v2.broker")]
    [InlineData("v3.broker", "v2.broker", "v3.broker")]
    [InlineData("v2.broker", "v9.broker", "v2.broker", "mqtt")]
    public void The_order_of_the_endpoint_decides_and_not_the_client_s(string chosen, params string[] offered) =>
        Assert.Equal((null, new ChosenSubprotocol(chosen, chosen)), Choose(offered, "v2.broker", refusesUnmatched: true));

    [Theory]
    [InlineData(null)]
    [InlineData("v2.broker")]
    public void Without_an_offer_the_fallback_is_used_and_not_announced(string? fallback) =>
        Assert.Equal((null, new ChosenSubprotocol(fallback, Answered: null)), Choose([], fallback, refusesUnmatched: true));

    [Fact]
    public void Rejects_unsupported_subprotocols_and_lists_the_supported_ones()
    {
        (UpgradeFault? fault, _) = Choose(["v1.broker", "mqtt"], "v2.broker", refusesUnmatched: true);

        Assert.Equal(new UpgradeFault(400, "None of the subprotocols offered is served here: v3.broker, v2.broker."), fault);
    }

    [Fact]
    public void And_so_is_one_that_offers_none_where_the_endpoint_insists_on_that_too()
    {
        var choice = new SubprotocolChoice(Supported, fallback: null, refusesUnmatched: true) { RefusesNone = true };

        Assert.Equal(400, choice.Check([], out _)?.Status);
        Assert.Null(choice.Check(["v2.broker"], out _));
    }

    [Fact]
    public void Or_is_served_as_if_it_had_offered_none() =>
        Assert.Equal((null, new ChosenSubprotocol("v2.broker", Answered: null)), Choose(["mqtt"], "v2.broker", refusesUnmatched: false));

    [Theory]
    [InlineData("V3.BROKER")]
    [InlineData("v3.broker2")]
    [InlineData("v3")]
    public void Names_are_compared_exactly(string offered) =>
        Assert.Equal(400, Choose([offered], null, refusesUnmatched: true).Fault?.Status);

    [Fact]
    public void Rejects_a_name_that_could_not_be_offered() =>
        Assert.Throws<ArgumentException>(() => new SubprotocolChoice(["v3 broker"], null, refusesUnmatched: false));

    private static (UpgradeFault? Fault, ChosenSubprotocol Chosen) Choose(string[] offered, string? fallback, bool refusesUnmatched)
    {
        UpgradeFault? fault = new SubprotocolChoice(Supported, fallback, refusesUnmatched).Check(offered, out ChosenSubprotocol chosen);
        return (fault, chosen);
    }
}
