using System.CommandLine;
using System.Text.Json;
using Broker.Cli.Terminal;
using Broker.Client;

namespace Broker.Cli.Commands;

/// <summary><c>broker sub</c>: prints what is published to a channel, until it is stopped.</summary>
internal static class SubCommand
{
    public static Command Make(ClientCommands commands)
    {
        var channel = TypedOptions.Named("CHANNEL", "The channel's name.");
        var count = TypedOptions.Count("--count", "-n", "Ends after so many publications.");
        var json = new Option<bool>("--json")
        {
            Description =
                "Prints each as an object with channel, offset and data; data is text, or base64 in data64 where it is not UTF-8.",
        };
        var command = new Command(
            "sub", "Prints each publication of a channel as its bytes and a line's end. Reconnects by itself when the connection is lost; "
                + "gaps are reported on standard error.")
        {
            channel, count, json,
        };
        commands.Define(command, (parsed, client, cancellationToken) =>
            ListenAsync(commands.Streams, client, parsed.GetValue(channel)!, parsed.GetValue(count) ?? long.MaxValue,
                parsed.GetValue(json), cancellationToken), endsWithOutput: true);
        return command;
    }

    private static async Task<int> ListenAsync(
        Streams streams, BrokerClient client, string channel, long count, bool json, CancellationToken cancellationToken)
    {
        string? reported = null;
        client.StateChanged += LogState;
        await using Subscription subscription =
            await client.SubscribeAsync(channel, cancellationToken: cancellationToken).ConfigureAwait(false);
        streams.Report($"listening to {channel}");
        await foreach (Delivery delivery in subscription.WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            if (delivery.GapBefore != Gap.None) streams.Report(TextOf(delivery));
            if (json) await streams.PrintAsync(ToJson(delivery), cancellationToken).ConfigureAwait(false);
            else await streams.PrintAsync(delivery.Data, cancellationToken).ConfigureAwait(false);
            if (--count == 0) return ExitCode.Done;
        }

        return ExitCode.Done;

        // Why the connection is lost, and when it is back; attempts that fail for the same reason are one line.
        void LogState(ClientState state)
        {
            string? line = state switch
            {
                ClientState.Waiting => $"{new ConnectionLostException(client.LastClose).Message}; trying again",
                ClientState.Connected => "connected again",
                _ => null,
            };
            if (line is null || line == reported) return;
            reported = line;
            streams.Report(line);
        }
    }

    private static string TextOf(Delivery delivery) =>
        delivery.GapBefore == Gap.Possible ? "something may be missing here" : $"{delivery.Missed} or more are missing here";

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
