using System.CommandLine;
using System.Text.Json;
using Broker.Cli.Terminal;
using Broker.Client;

namespace Broker.Cli.Commands;

/// <summary><c>broker sub</c>: prints what a channel says, until it is stopped.</summary>
internal static class SubCommand
{
    public static Command Make(ClientCommands commands)
    {
        var channel = TypedOptions.Named("CHANNEL", "The channel's name.");
        var count = TypedOptions.Count("--count", "-n", "Ends after so many publications.");
        var json = new Option<bool>("--json")
        {
            Description = "Prints each as an object with channel, offset and data; data is text, or base64 in data64 where it is not UTF-8.",
        };
        var command = new Command(
            "sub", "Prints each publication of a channel as its bytes and a line's end. Comes back by itself when the connection is lost; gaps are told on standard error.")
        {
            channel, count, json,
        };
        commands.Define(command, (parsed, client, cancel) =>
            ListenAsync(commands.Streams, client, parsed.GetValue(channel)!, parsed.GetValue(count) ?? long.MaxValue, parsed.GetValue(json), cancel));
        return command;
    }

    private static async Task<int> ListenAsync(Streams streams, BrokerClient client, string channel, long count, bool json, CancellationToken cancel)
    {
        client.StateChanged += state => streams.Error.WriteLine($"broker: {state.ToString().ToLowerInvariant()}");
        await using Subscription subscription = await client.SubscribeAsync(channel, cancel: cancel).ConfigureAwait(false);
        await streams.Error.WriteLineAsync($"broker: listening to {channel}").ConfigureAwait(false);
        await foreach (Delivery delivery in subscription.WithCancellation(cancel).ConfigureAwait(false))
        {
            if (delivery.GapBefore != Gap.None) await streams.Error.WriteLineAsync(TextOf(delivery)).ConfigureAwait(false);
            if (json) await streams.PrintAsync(ToJson(delivery)).ConfigureAwait(false);
            else await streams.PrintAsync(delivery.Data).ConfigureAwait(false);
            if (--count == 0) return ExitCode.Done;
        }

        return ExitCode.Done;
    }

    private static string TextOf(Delivery delivery) =>
        delivery.GapBefore == Gap.Possible ? "broker: something may be missing here" : $"broker: {delivery.Missed} or more are missing here";

    private static ReadOnlyMemory<byte> ToJson(Delivery delivery)
    {
        using var text = new MemoryStream();
        using (var writer = new Utf8JsonWriter(text))
        {
            writer.WriteStartObject();
            writer.WriteString("channel", delivery.Channel);
            writer.WriteNumber("offset", delivery.Offset);
            if (System.Text.Unicode.Utf8.IsValid(delivery.Data.Span)) writer.WriteString("data", delivery.Data.Span);
            else writer.WriteBase64String("data64", delivery.Data.Span);
            writer.WriteEndObject();
        }

        return text.ToArray();
    }
}
