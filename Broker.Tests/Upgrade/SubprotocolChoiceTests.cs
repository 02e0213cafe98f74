using Broker.Core.Upgrade;
using Xunit;

namespace Broker.Tests.Upgrade;

public sealed class SubprotocolChoiceTests
{
    private static readonly string[] Spoken = ["v3.broker", "v2.broker"];

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
    public void With_a_client_that_offers_none_the_fallback_is_spoken_and_nothing_is_announced(string? fallback) =>
        Assert.Equal((null, new ChosenSubprotocol(fallback, Answered: null)), Choose([], fallback, refusesUnmatched: true));

    [Fact]
    public void A_client_that_offers_only_others_is_refused_with_what_is_spoken()
    {
        (UpgradeFault? fault, _) = Choose(["v1.broker", "mqtt"], "v2.broker", refusesUnmatched: true);

        Assert.Equal(new UpgradeFault(400, "None of the subprotocols offered is spoken here: v3.broker, v2.broker."), fault);
    }

    [Fact]
    public void And_so_is_one_that_offers_none_where_the_endpoint_insists_on_that_too()
    {
        var choice = new SubprotocolChoice(Spoken, fallback: null, refusesUnmatched: true) { RefusesNone = true };

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
    public void A_name_that_could_not_be_offered_is_not_taken() =>
        Assert.Throws<ArgumentException>(() => new SubprotocolChoice(["v3 broker"], null, refusesUnmatched: false));

    private static (UpgradeFault? Fault, ChosenSubprotocol Chosen) Choose(string[] offered, string? fallback, bool refusesUnmatched)
    {
        UpgradeFault? fault = new SubprotocolChoice(Spoken, fallback, refusesUnmatched).Check(offered, out ChosenSubprotocol chosen);
        return (fault, chosen);
    }
}
