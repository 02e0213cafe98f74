using System.Globalization;
using Broker.Cluster.Protocol.Copies;
using Broker.Tests.Cluster.Simulation;

namespace Broker.Tests.Cluster;

/// <summary>
/// The protocol under faults. <c>BROKER_TESTS_SIMULATION_SEEDS</c> says how many seeds are run (300), and
/// <c>BROKER_TESTS_SIMULATION_FIRST</c> which one is the first (1); a failure prints its seed, and
/// <c>BROKER_TESTS_SIMULATION_TRACE</c> names a file that gets what happens.
/// </summary>
public class ClusterSimulationTests
{
    /// <summary>A rule that is left out, the seed to begin with, and how many seeds may pass before the checker finds out.</summary>
    public static TheoryData<string, int, int> LeftOut => new()
    {
        { nameof(CopyRules.AcknowledgeWhatAllHave), 1, 60 },
        { nameof(CopyRules.DeliverWhatIsAcknowledged), 1, 60 },
        { nameof(CopyRules.SeeMajority), 1, 100 },
        { nameof(HostRules.DropRemoved), 1, 60 },
        { nameof(HostRules.Digests), 1, 20 },
        { nameof(HostRules.RepeatWithKey), 1, 20 },
    };

    [Fact]
    public void No_invariant_is_violated_in_any_seed()
    {
        int first = Number("BROKER_TESTS_SIMULATION_FIRST", 1), count = Number("BROKER_TESTS_SIMULATION_SEEDS", 300);
        using StreamWriter? trace =
            Environment.GetEnvironmentVariable("BROKER_TESTS_SIMULATION_TRACE") is { Length: > 0 } path ? File.CreateText(path) : null;
        for (int seed = first; seed < first + count; seed++)
        {
            SimulationOptions options = SimulationOptions.Of(seed) with { Trace = trace is null ? null : trace.WriteLine };
            ClusterChecker checker = new SimulatedWorld(options).Run();
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
    public void Leaving_out_a_rule_is_caught(string rule, int first, int count)
    {
        CopyRules copies = Enum.TryParse(rule, out CopyRules ofCopies) ? ofCopies : CopyRules.None;
        HostRules host = copies == CopyRules.None ? Enum.Parse<HostRules>(rule) : HostRules.None;
        for (int seed = first; seed < first + count; seed++)
        {
            SimulationOptions options = SimulationOptions.Of(seed) with { Broken = copies, BrokenHost = host };
            if (copies != CopyRules.None) options = options with { IsHot = true, Rivals = true, Copies = 1 };

            // A broken copy shows in what clients were told, and not only in what comes late.
            if (new SimulatedWorld(options).Run().Violations.Exists(each => copies == CopyRules.None || (each[0] == 'I' && each[1] != '7')))
                return;
        }

        Assert.Fail($"Nothing was found in {count} seeds without {rule}.");
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
