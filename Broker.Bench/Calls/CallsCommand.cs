using System.CommandLine;

namespace Broker.Bench.Calls;

/// <summary><c>calls</c>: small calls beside SignalR's invocations. <c>reads</c>: the keyed store over the wire.</summary>
internal static class CallsCommand
{
    public static Command Create()
    {
        var seconds = new Option<int>("--seconds") { Description = "Of each measurement.", DefaultValueFactory = _ => 4 };
        var rounds = new Option<int>("--rounds") { Description = "How often each has its turn.", DefaultValueFactory = _ => 3 };
        var connections =
            new Option<int[]>("--connections") { Description = "How many, one comparison each.", DefaultValueFactory = _ => [1, 100] };
        var command =
            new Command("calls",
                "Calls that give back their 16 bytes, 64 in flight on each connection, beside SignalR's invocations of the same.")
                    { seconds, rounds, connections };
        command.SetAction((parsed, stop) => InvokeRun.RunAsync(
            TimeSpan.FromSeconds(parsed.GetRequiredValue(seconds)), parsed.GetRequiredValue(rounds), parsed.GetRequiredValue(connections),
                stop));
        return command;
    }

    public static Command CreateReads()
    {
        var count = new Option<int>("--count") { Description = "Reads, and keys in the store.", DefaultValueFactory = _ => 1_000_000 };
        var batch = new Option<int>("--batch") { Description = "Keys of one call.", DefaultValueFactory = _ => 1000 };
        var bytes = new Option<int>("--bytes") { Description = "Of each value.", DefaultValueFactory = _ => 8 };
        var command =
            new Command("reads", "Random reads of the host's keyed store over the wire, in batches, by the .NET client.")
                { count, batch, bytes };
        command.SetAction(
            (parsed, stop) =>
                ReadsRun.RunAsync(parsed.GetRequiredValue(count), parsed.GetRequiredValue(batch), parsed.GetRequiredValue(bytes), stop));
        return command;
    }
}
