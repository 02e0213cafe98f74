using System.Globalization;
using Broker.Cluster.Protocol.Copies;
using Broker.Tests.Cluster.Simulation;

namespace Broker.Tests.Cluster;

/// <summary>
/// The protocol under faults. <c>BROKER_TESTS_SIMULATION_SEEDS</c> says how many seeds are run (300), and
/// <c>BROKER_TESTS_SIMULATION_FIRST</c> which one is the first (1); a failure prints its seed.
/// </summary>
public class ClusterSimulationTests
{
    /// <summary>
    /// A rule that is left out, the options that make it matter, and how many seeds may pass before the checker finds out.
    /// </summary>
    public static TheoryData<string, int> LeftOut => new()
    {
        { nameof(CopyRules.AcknowledgeWhatAllHave), 60 },
        { nameof(CopyRules.DeliverWhatIsAcknowledged), 60 },
        { nameof(CopyRules.FreezeWhileSetChanges), 200 },
        { nameof(CopyRules.SeeMajority), 200 },
        { nameof(CopyRules.ProveRecalledSets), 300 },
        { nameof(HostRules.DropRemoved), 60 },
        { nameof(HostRules.Digests), 20 },
        { nameof(HostRules.RepeatWithKey), 20 },
    };

    [Fact]
    public void No_invariant_is_violated_in_any_seed()
    {
        int first = Number("BROKER_TESTS_SIMULATION_FIRST", 1), count = Number("BROKER_TESTS_SIMULATION_SEEDS", 300);
        for (int seed = first; seed < first + count; seed++)
        {
            ClusterChecker checker = new SimulatedWorld(SimulationOptions.Of(seed)).Run();
            Assert.True(checker.Violations.Count == 0, $"Seed {seed}: {string.Join("; ", checker.Violations.Take(5))}");
            Assert.True(checker.AcknowledgedCount > 0, $"Seed {seed}: nothing was acknowledged.");
        }
    }

    [Fact]
    public void Same_seed_gives_the_same_run()
    {
        Assert.Equal(TraceOf(12), TraceOf(12));
    }

    [Theory]
    [MemberData(nameof(LeftOut))]
    public void Leaving_out_a_rule_is_caught(string rule, int seedsMax)
    {
        Enum.TryParse(rule, out CopyRules copies);
        Enum.TryParse(rule, out HostRules host);
        Assert.True(copies != CopyRules.None || host != HostRules.None);
        bool isRare = seedsMax > 100;
        for (int seed = 1; seed <= seedsMax; seed++)
        {
            SimulationOptions options = SimulationOptions.Of(seed) with { Broken = copies, BrokenHost = host };
            if (isRare) options = options with { IsHot = true, Rivals = true, Copies = 1 };
            if (new SimulatedWorld(options).Run().Violations.Count > 0) return;
        }

        Assert.Fail($"Nothing was found in {seedsMax} seeds without {rule}.");
    }

    private static List<string> TraceOf(int seed)
    {
        var lines = new List<string>();
        new SimulatedWorld(SimulationOptions.Of(seed) with { Trace = lines.Add }).Run();
        return lines;
    }

    private static int Number(string variable, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int value) ? value : otherwise;
}
