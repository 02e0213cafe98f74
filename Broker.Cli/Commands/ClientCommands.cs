using System.Collections;
using System.CommandLine;
using Broker.Cli.Terminal;
using Broker.Client;

namespace Broker.Cli.Commands;

/// <summary>The commands that use to a hub: <c>pub</c>, <c>sub</c>, <c>call</c> and <c>store</c>.</summary>
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
    /// <param name="command">The command.</param>
    /// <param name="run">What it does.</param>
    /// <param name="endsWithOutput">Whether it only prints, so that it ends once nothing reads what it prints.</param>
    internal void Define(Command command, Func<ParseResult, BrokerClient, CancellationToken, Task<int>> run, bool endsWithOutput = false)
    {
        _session.AddTo(command);
        command.SetAction((parsed, stop) => _session.RunAsync(
            parsed,
            environment,
            (client, cancellationToken) => run(parsed, client, cancellationToken),
            endsWithOutput ? streams.OutputClosed : CancellationToken.None,
            stop));
    }

    /// <summary>How long each answer may take.</summary>
    internal CallSettings CallSettings(ParseResult parsed) => _session.CallSettings(parsed);
}
