using Broker.Cluster.Membership;

namespace Broker.Tests.Cluster;

public sealed class FormationRuleTests
{
    private static readonly string[] s_seeds = ["a:1", "b:1", "c:1"];

    private static ProbeResult Alone(string address) => new(address, ProbeState.Alone, address);

    private static ProbeResult Member(string address) => new(address, ProbeState.Member, address);

    private static ProbeResult Silent(string address) => new(address, ProbeState.Unreachable, "", "no answer");

    [Fact]
    public void Without_seeds_a_node_begins_a_cluster() => Assert.Equal("a:1", FormationRule.AtStart("a:1", [], [], isPatient: true).Join);

    [Fact]
    public void A_member_is_joined_by_everybody()
    {
        Assert.Equal("c:1", FormationRule.AtStart("a:1", s_seeds, [Silent("b:1"), Member("c:1")], isPatient: true).Join);
        Assert.Equal("c:1", FormationRule.AtStart("b:1", s_seeds, [Alone("a:1"), Member("c:1")], isPatient: false).Join);
    }

    [Fact]
    public void Only_the_first_seed_forms_a_cluster()
    {
        Assert.Equal("a:1", FormationRule.AtStart("a:1", s_seeds, [Alone("b:1"), Alone("c:1")], isPatient: true).Join);
        FormationStep step = FormationRule.AtStart("b:1", s_seeds, [Silent("a:1"), Alone("c:1")], isPatient: false);
        Assert.Null(step.Join);
        Assert.Contains("only the first seed, a:1", step.Waits, StringComparison.Ordinal);
    }

    [Fact]
    public void The_first_seed_waits_for_silent_seeds_for_its_patience_only()
    {
        Assert.Null(FormationRule.AtStart("a:1", s_seeds, [Silent("b:1"), Silent("c:1")], isPatient: true).Join);
        Assert.Equal("a:1", FormationRule.AtStart("a:1", s_seeds, [Silent("b:1"), Silent("c:1")], isPatient: false).Join);
    }

    [Fact]
    public void Who_is_refused_forms_no_cluster_beside_the_others()
    {
        FormationStep step =
            FormationRule.AtStart(
                "a:1", s_seeds, [new ProbeResult("b:1", ProbeState.Refused, "", "another secret"), Silent("c:1")], isPatient: false);
        Assert.Null(step.Join);
        Assert.Contains("another secret", step.Waits, StringComparison.Ordinal);
    }

    [Fact]
    public void After_a_downing_a_minority_waits_for_the_others()
    {
        Assert.Null(FormationRule.AfterDowning("a:1", s_seeds, [Silent("b:1"), Silent("c:1")]).Join);
        Assert.Equal("c:1", FormationRule.AfterDowning("a:1", s_seeds, [Silent("b:1"), Member("c:1")]).Join);
    }

    [Fact]
    public void When_all_were_downed_the_lowest_of_a_majority_forms_the_cluster()
    {
        Assert.Equal("a:1", FormationRule.AfterDowning("a:1", s_seeds, [Alone("b:1"), Silent("c:1")]).Join);
        FormationStep step = FormationRule.AfterDowning("b:1", s_seeds, [Alone("a:1"), Alone("c:1")]);
        Assert.Null(step.Join);
        Assert.Equal("a:1 is to form the cluster again", step.Waits);
    }

    [Fact]
    public void Of_two_nodes_neither_goes_on_without_the_other()
    {
        Assert.Null(FormationRule.AfterDowning("a:1", ["a:1", "b:1"], [Silent("b:1")]).Join);
        Assert.Equal("a:1", FormationRule.AfterDowning("a:1", ["a:1", "b:1"], [Alone("b:1")]).Join);
    }
}
