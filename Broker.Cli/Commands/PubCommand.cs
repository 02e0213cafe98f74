using System.CommandLine;
using Broker.Cli.Terminal;
using Broker.Client;

namespace Broker.Cli.Commands;

/// <summary><c>broker pub</c>: publishes into a channel.</summary>
internal static class PubCommand
{
    private const int PendingMax = 256;      // Publications that wait for their answers, so that a line need not wait for the one before.

    public static Command Make(ClientCommands commands)
    {
        var channel = TypedOptions.Named("CHANNEL", "The channel's name.");
        var payload = new Payload("DATA", "What to publish");
        var lines = new Option<bool>("--lines", "-l")
        {
            Description =
                "Publishes each line of standard input, or of --file, by itself and in order. A line feed ends a line; all other bytes "
                    + "stay.",
        };
        var command =
            new Command("pub", "Publishes into a channel, and prints the publication's offset and its receivers.") { channel, lines };
        payload.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.ValueOrDefault(lines) && payload.HasText(result))
                result.AddError("--lines reads standard input or --file, and takes no DATA.");
        });
        commands.Define(command, (parsed, client, cancellationToken) => parsed.GetValue(lines)
            ? PublishLinesAsync(commands, client, parsed.GetValue(channel)!, payload, parsed, cancellationToken)
            : PublishAsync(commands, client, parsed.GetValue(channel)!, payload, parsed, cancellationToken));
        return command;
    }

    private static async Task<int> PublishAsync(
        ClientCommands commands, BrokerClient client, string channel, Payload payload, ParseResult parsed,
            CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> data =
            await payload.ReadAsync(parsed, commands.Streams.Input, client.MessageBytesMax, cancellationToken).ConfigureAwait(false);
        PublishReceipt receipt = await commands.Progress
            .RunAsync($"to {channel}", data.Length, progress => client.PublishAsync(channel, data, progress, cancellationToken))
            .ConfigureAwait(false);
        await commands.Streams.PrintAsync($"offset {receipt.Offset}, receivers {receipt.Receivers}", cancellationToken)
            .ConfigureAwait(false);
        return ExitCode.Done;
    }

    private static async Task<int> PublishLinesAsync(
        ClientCommands commands, BrokerClient client, string channel, Payload payload, ParseResult parsed,
            CancellationToken cancellationToken)
    {
        await using Stream input = await payload.OpenAsync(parsed, commands.Streams.Input, cancellationToken).ConfigureAwait(false);
        long count = await commands.Progress.CountAsync($"lines to {channel}", async report =>
        {
            var pending = new Queue<Task<PublishReceipt>>();
            long published = 0;
            await foreach (
                ReadOnlyMemory<byte> line in ByteLines.ReadAsync(input, client.MessageBytesMax, cancellationToken).ConfigureAwait(false))
            {
                if (pending.Count == PendingMax) await FinishAsync().ConfigureAwait(false);
                pending.Enqueue(client.PublishAsync(channel, line, cancellationToken: cancellationToken));
            }

            while (pending.Count > 0) await FinishAsync().ConfigureAwait(false);
            return published;

            async Task FinishAsync()
            {
                await pending.Dequeue().ConfigureAwait(false);
                published++;
                report?.Invoke(published);
            }
        }).ConfigureAwait(false);
        await commands.Streams.PrintAsync($"published {count}", cancellationToken).ConfigureAwait(false);
        return ExitCode.Done;
    }
}
