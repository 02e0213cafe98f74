using System.CommandLine;
using Broker.Cli.Terminal;
using Broker.Client;

namespace Broker.Cli.Commands;

/// <summary><c>broker call</c>: calls a method.</summary>
internal static class CallCommand
{
    public static Command Make(ClientCommands commands)
    {
        var method = TypedOptions.Named("METHOD", "The method's name.");
        var payload = new Payload("ARGUMENTS", "The arguments");
        var empty = new Option<bool>("--empty", "-e") { Description = "Calls without arguments, and reads nothing." };
        var command =
            new Command("call", "Calls a method of the hub, and writes its result, byte for byte, to standard output.") { method, empty };
        payload.AddTo(command);
        commands.Define(command, async (parsed, client, cancellationToken) =>
        {
            ReadOnlyMemory<byte> arguments =
                parsed.GetValue(empty) ? default
                    : await payload.ReadAsync(parsed, commands.Streams.Input, client.MessageBytesMax, cancellationToken)
                    .ConfigureAwait(false);
            string name = parsed.GetValue(method)!;
            ReadOnlyMemory<byte> result = await commands.Progress.RunAsync(name, arguments.Length, progress =>
                client.CallAsync(name, arguments, commands.CallSettings(parsed) with { Upload = progress }, cancellationToken))
                    .ConfigureAwait(false);
            await commands.Streams.Output.WriteAsync(result, cancellationToken).ConfigureAwait(false);
            return ExitCode.Done;
        });
        return command;
    }
}
