using System.CommandLine;

namespace Broker.Bench.Native;

/// <summary><c>native SCENARIO</c>: the native protocol against a hub in a process of its own, on loopback.</summary>
internal static class NativeCommand
{
    public static Command Create()
    {
        var port = new Option<int>("--port") { Description = "Port on 127.0.0.1.", Required = true };
        var hub = new Command("hub", "Runs the hub of the scenarios: one loop, and the methods same, slow and blob.") { port };
        hub.SetAction((parsed, stop) => NativeHub.RunAsync(parsed.GetRequiredValue(port), stop));

        var rounds = new Option<int>("--rounds") { Description = "Pairs of 64 MiB in the second part.", DefaultValueFactory = _ => 20 };
        var streams =
            new Command("streams", "64 MiB up and 64 MiB down on one connection: pings, small calls and memory meanwhile.") { rounds };
        streams.SetAction((parsed, stop) => StreamsRun.RunAsync(parsed.GetRequiredValue(rounds), stop));

        var seconds = new Option<int>("--seconds") { Description = "Of each measurement.", DefaultValueFactory = _ => 5 };
        var batching =
            new Command("batching", "64 messages of 120 bytes in flight on each connection: v2.broker and v3.broker.") { seconds };
        batching.SetAction((parsed, stop) => BatchingRun.RunAsync(parsed.GetRequiredValue(seconds), stop));

        var calls = new Command("calls", "100,000 fast calls, alone and beside 1,000 slow ones on the same connection.");
        calls.SetAction((_, stop) => CallsRun.RunAsync(stop));

        return new Command("native", "Measures the native protocol. The hub runs on core 0, the clients on the others.")
            { hub, streams, batching, calls };
    }
}
