using System.CommandLine;
using Broker.Bench;
using Broker.Bench.Load;
using Broker.Bench.Native;
using Broker.Bench.Peers;
using Broker.Bench.Soak;

var root = new RootCommand("Measures Broker: micro benchmarks, one peer to look at, end-to-end load runs, a soak, and the native protocol.")
{
    MicroCommand.Create(),
    PeerCommand.Create(),
    LoadCommand.Create(),
    SoakCommand.Create(),
    NativeCommand.Create(),
};

// Long enough for a load run to end the processes it started and to write down what it has.
var configuration = new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(20) };
return await root.Parse(args).InvokeAsync(configuration);
