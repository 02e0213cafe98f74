using System.CommandLine;
using Broker.Bench.Allocations;
using Broker.Bench.Calls;
using Broker.Bench.Channels;
using Broker.Bench.Load;
using Broker.Bench.Memory;
using Broker.Bench.Micro;
using Broker.Bench.Native;
using Broker.Bench.Peers;
using Broker.Bench.Soak;

var root = new RootCommand(
    "Measures Broker: micro benchmarks, one peer to look at, end-to-end load runs, what is allocated, memory, a soak, the native protocol, "
        + "calls, channels, tokens, and the keyed store.")
{
    MicroCommand.Create(),
    PeerCommand.Create(),
    LoadCommand.Create(),
    AllocationsCommand.Create(),
    MemoryCommand.Create(),
    SoakCommand.Create(),
    NativeCommand.Create(),
    CallsCommand.Create(),
    CallsCommand.CreateReads(),
    ChannelsCommand.Create(),
    ChannelsCommand.CreateTokens(),
};

// Long enough for a load run to end the processes it started and to write down what it has.
var configuration = new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(20) };
return await root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null }).InvokeAsync(configuration);
