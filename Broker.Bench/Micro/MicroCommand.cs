using System.CommandLine;
using BenchmarkDotNet.Running;

namespace Broker.Bench.Micro;

/// <summary><c>micro [filter]</c>: the BenchmarkDotNet classes of this assembly, all of them unless filtered.</summary>
internal static class MicroCommand
{
    public static Command Create()
    {
        var filter = new Argument<string>("filter")
        {
            Description = "Which benchmarks, as BenchmarkDotNet globs: '*Masking*'.",
            DefaultValueFactory = _ => "*",
        };
        var command = new Command("micro", "Runs micro benchmarks; what follows the filter goes to BenchmarkDotNet as it is.")
        {
            filter,
        };
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(parsed =>
        {
            List<string> arguments = ["--filter", parsed.GetRequiredValue(filter), .. parsed.UnmatchedTokens];
            // Each run builds a program of its own; the default of two minutes was once too short on a busy machine.
            if (!arguments.Contains("--buildTimeout")) arguments.AddRange(["--buildTimeout", "600"]);
            BenchmarkSwitcher.FromAssembly(typeof(MicroCommand).Assembly).Run([.. arguments]);
        });
        return command;
    }
}
