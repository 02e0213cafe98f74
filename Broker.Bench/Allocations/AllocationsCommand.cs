using System.CommandLine;
using Broker.Bench.Load;

namespace Broker.Bench.Allocations;

/// <summary><c>allocations</c>: what the hub allocates for each message, in this process, loaded from outside.</summary>
internal static class AllocationsCommand
{
    public static Command Create()
    {
        var generator = new Option<string>("--generator") { Description = "The wsload program.", Required = true };
        var seconds = new Option<double>("--secs") { Description = "Measured seconds of each.", DefaultValueFactory = _ => 4 };
        var only = new Option<string>("--only")
            { Description = "Only scenarios whose name matches this regular expression.", DefaultValueFactory = _ => "" };
        var types = new Option<bool>("--types") { Description = "Also print what is allocated most, one sample for every 100 KB." };
        var command =
            new Command("allocations",
                "Runs a hub of one loop in this process and prints the bytes that it allocates for each message and publication.")
        {
            generator, seconds, only, types,
        };
        command.SetAction(async (parsed, stop) =>
        {
            try
            {
                var run = new AllocationsRun(
                    Path.GetFullPath(parsed.GetRequiredValue(generator)), parsed.GetRequiredValue(seconds), parsed.GetValue(types));
                return await run.RunAsync(parsed.GetRequiredValue(only), stop);
            }
            catch (LoadException e)
            {
                await Console.Error.WriteLineAsync(e.Message);
                return 2;
            }
        });
        return command;
    }
}
