using System.Collections;
using System.CommandLine;
using Broker.Cli.Terminal;
using Broker.Client;

namespace Broker.Cli.Commands;

/// <summary>The commands that speak to a hub: <c>pub</c>, <c>sub</c>, <c>call</c> and <c>store</c>.</summary>
/// <param name="environment">The variables of the process.</param>
/// <param name="streams">What they read and write.</param>
public sealed class ClientCommands(IDictionary environment, Streams streams)
{
    private readonly ClientSession _session = new(streams);

    internal Streams Streams => streams;

    internal ProgressView Progress { get; } = new(streams);

    /// <summary>Adds all of them.</summary>
    public void AddTo(Command root)
    {
        ArgumentNullException.ThrowIfNull(root);
        root.Add(PubCommand.Make(this));
        root.Add(SubCommand.Make(this));
        root.Add(CallCommand.Make(this));
        root.Add(StoreCommand.Make(this));
    }

    /// <summary>Makes a command what it does once connected, and gives it the options of the connection.</summary>
    internal void Define(Command command, Func<ParseResult, BrokerClient, CancellationToken, Task<int>> run)
    {
        _session.AddTo(command);
        command.SetAction((parsed, stop) => _session.RunAsync(parsed, environment, (client, cancel) => run(parsed, client, cancel), stop));
    }

    /// <summary>How long each answer may take.</summary>
    internal CallSettings CallSettings(ParseResult parsed) => _session.CallSettings(parsed);
}
