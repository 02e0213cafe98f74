using System.CommandLine;
using System.Text;
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
        var lines = new Option<bool>("--lines", "-l") { Description = "Publishes each line of standard input by itself, in order." };
        var command = new Command("pub", "Publishes into a channel, and prints the publication's offset and its receivers.") { channel, lines };
        payload.AddTo(command);
        command.Validators.Add(result =>
        {
            if (result.ValueOrDefault(lines) && result.GetResult("DATA") is { Tokens.Count: > 0 }) result.AddError("--lines reads standard input, and takes no DATA.");
        });
        commands.Define(command, (parsed, client, cancel) => parsed.GetValue(lines)
            ? PublishLinesAsync(commands, client, parsed.GetValue(channel)!, cancel)
            : PublishAsync(commands, client, parsed.GetValue(channel)!, payload, parsed, cancel));
        return command;
    }

    private static async Task<int> PublishAsync(
        ClientCommands commands, BrokerClient client, string channel, Payload payload, ParseResult parsed, CancellationToken cancel)
    {
        ReadOnlyMemory<byte> data = await payload.ReadAsync(parsed, commands.Streams.Input, cancel).ConfigureAwait(false);
        PublishReceipt receipt = await commands.Progress
            .RunAsync($"to {channel}", data.Length, progress => client.PublishAsync(channel, data, progress, cancel)).ConfigureAwait(false);
        await commands.Streams.PrintAsync($"offset {receipt.Offset}, receivers {receipt.Receivers}").ConfigureAwait(false);
        return ExitCode.Done;
    }

    private static async Task<int> PublishLinesAsync(ClientCommands commands, BrokerClient client, string channel, CancellationToken cancel)
    {
        long count = await commands.Progress.CountAsync($"lines to {channel}", async report =>
        {
            using var input = new StreamReader(commands.Streams.Input, Encoding.UTF8);
            var pending = new Queue<Task<PublishReceipt>>();
            long published = 0;
            while (await input.ReadLineAsync(cancel).ConfigureAwait(false) is { } line)
            {
                if (pending.Count == PendingMax) await FinishAsync().ConfigureAwait(false);
                pending.Enqueue(client.PublishAsync(channel, Encoding.UTF8.GetBytes(line), cancel: cancel));
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
        await commands.Streams.PrintAsync($"published {count}").ConfigureAwait(false);
        return ExitCode.Done;
    }
}
