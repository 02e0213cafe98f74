using System.Collections;
using System.CommandLine;
using System.Text.Json;
using Broker.Cli.Terminal;

namespace Broker.Cli.Commands;

/// <summary>
/// The commands that ask a running hub by its server API: <c>history</c>, <c>presence</c>, <c>channels</c>, <c>info</c> and <c>explain</c>.
/// </summary>
/// <param name="environment">The variables of the process.</param>
/// <param name="streams">What they write.</param>
/// <param name="config">The option with the file of the hub's settings.</param>
/// <param name="targetOf">What those settings say.</param>
public sealed class ApiCommands(IDictionary environment, Streams streams, Option<string?> config, Func<ParseResult, ApiTarget> targetOf)
{
    private readonly ApiSession _session = new(environment, streams, targetOf);
    private readonly Argument<string> _channel = TypedOptions.Named("CHANNEL", "The channel's name.");
    private readonly Option<int> _limit =
        TypedOptions.Number(
            "--limit", usual: 100, min: -1, max: 1_000_000, "So many publications; 0 for the position alone, -1 for all.");
    private readonly Option<string?> _since =
        new("--since") { HelpName = "OFFSET", Description = "Only what follows this offset; with --reverse, what precedes it." };
    private readonly Option<string?> _epoch =
        new("--epoch")
            { HelpName = "EPOCH",
                Description = "With --since: the epoch that the offset belongs to; an error if the channel has another one now." };
    private readonly Option<bool> _reverse = new("--reverse", "-r") { Description = "Newest first." };
    private readonly Option<bool> _counts = new("--counts") { Description = "Only how many clients and users." };
    private readonly Option<string?> _pattern =
        new("--pattern", "-p") { HelpName = "GLOB", Description = "Only channels whose names match, such as 'chat:*'." };
    private readonly Option<bool> _json = new("--json") { Description = "Prints the hub's answer as it is: one JSON object in a line." };
    private readonly Option<string> _client =
        new("--client")
            { HelpName = "ID", Required = true, Description = "The client's id, as its connect was answered and the log has it." };
    private readonly Option<string> _of = new("--channel") { HelpName = "CHANNEL", Required = true, Description = "The channel." };
    private readonly Option<string?> _offset =
        new("--offset") { HelpName = "N", Description = "The publication's offset; without it, how the client stands to the channel." };

    /// <summary>Adds all of them.</summary>
    public void AddTo(Command root)
    {
        ArgumentNullException.ThrowIfNull(root);
        root.Add(Make(
            "history", "Prints the publications that a channel keeps, each as a JSON object in a line, and the channel's position on "
                + "standard error.", [_channel], [_limit, _since, _epoch, _reverse], "history", WriteHistory, PrintHistoryAsync));
        root.Add(Make(
            "presence", "Prints who is subscribed to a channel, each client as a JSON object in a line.", [_channel], [_counts], null,
                (writer, parsed) => writer.WriteString("channel", parsed.GetValue(_channel)), PrintPresenceAsync));
        root.Add(Make(
            "channels", "Prints the channels that have subscribers, with their number.", [], [_pattern], "channels", WriteChannels,
                PrintChannelsAsync));
        root.Add(Make("info", "Prints what the hub is and how much it holds.", [], [], "info", static (_, _) => { }, PrintInfoAsync));
        root.Add(Make(
            "explain", "Tells why a client did or did not get a publication.", [], [_client, _of, _offset], "explain", WriteExplain,
                PrintExplanationAsync));
    }

    private Command Make(
        string name, string description, Argument[] arguments, Option[] options, string? method, Action<Utf8JsonWriter, ParseResult> body,
            Func<ParseResult, JsonElement, CancellationToken, Task<int>> print)
    {
        var command = new Command(name, description) { config };
        foreach (Argument each in arguments) command.Add(each);
        foreach (Option each in options) command.Add(each);
        command.Add(_json);
        _session.AddTo(command);
        command.SetAction((parsed, stop) => _session.RunAsync(
            parsed,
            method ?? (parsed.GetValue(_counts) ? "presence_stats" : "presence"),
            writer => body(writer, parsed),
            (result, cancellationToken) =>
                parsed.GetValue(_json) ? PrintAsync(result.GetRawText(), cancellationToken) : print(parsed, result, cancellationToken),
            stop));
        return command;
    }

    private void WriteHistory(Utf8JsonWriter writer, ParseResult parsed)
    {
        writer.WriteString("channel", parsed.GetValue(_channel));
        writer.WriteNumber("limit", parsed.GetValue(_limit));
        if (parsed.GetValue(_reverse)) writer.WriteBoolean("reverse", true);
        if (parsed.GetValue(_since) is not { } since) return;
        writer.WriteStartObject("since");
        writer.WriteNumber("offset", Offset(since, "--since"));
        writer.WriteString("epoch", parsed.GetValue(_epoch) ?? "");
        writer.WriteEndObject();
    }

    private async Task<int> PrintHistoryAsync(ParseResult parsed, JsonElement result, CancellationToken cancellationToken)
    {
        foreach (JsonElement publication in result.GetProperty("publications").EnumerateArray())
            await PrintAsync(publication.GetRawText(), cancellationToken).ConfigureAwait(false);
        streams.Report($"offset {result.GetProperty("offset")}, epoch {result.GetProperty("epoch")}");
        return ExitCode.Done;
    }

    private async Task<int> PrintPresenceAsync(ParseResult parsed, JsonElement result, CancellationToken cancellationToken)
    {
        if (parsed.GetValue(_counts))
            return await PrintAsync(
                $"clients {result.GetProperty("num_clients")}, users {result.GetProperty("num_users")}", cancellationToken)
                    .ConfigureAwait(false);
        foreach (JsonProperty member in result.GetProperty("presence").EnumerateObject())
            await PrintAsync(member.Value.GetRawText(), cancellationToken).ConfigureAwait(false);
        return ExitCode.Done;
    }

    private void WriteChannels(Utf8JsonWriter writer, ParseResult parsed)
    {
        if (parsed.GetValue(_pattern) is { } pattern) writer.WriteString("pattern", pattern);
    }

    private async Task<int> PrintChannelsAsync(ParseResult parsed, JsonElement result, CancellationToken cancellationToken)
    {
        foreach (JsonProperty channel in result.GetProperty("channels").EnumerateObject()
            .OrderBy(static each => each.Name, StringComparer.Ordinal))
            await PrintAsync(
                $"{PrintedBytes.WithoutControls(channel.Name)}\t{channel.Value.GetProperty("num_clients")}", cancellationToken,
                    mayHaveTabs: true).ConfigureAwait(false);
        return ExitCode.Done;
    }

    private async Task<int> PrintInfoAsync(ParseResult parsed, JsonElement result, CancellationToken cancellationToken)
    {
        foreach (JsonElement node in result.GetProperty("nodes").EnumerateArray())
        {
            foreach (JsonProperty member in node.EnumerateObject())
            {
                if (member.Value.ValueKind is JsonValueKind.String or JsonValueKind.Number)
                    await PrintAsync($"{member.Name} {member.Value}", cancellationToken).ConfigureAwait(false);
            }
        }

        return ExitCode.Done;
    }

    private void WriteExplain(Utf8JsonWriter writer, ParseResult parsed)
    {
        writer.WriteString("client", parsed.GetValue(_client));
        writer.WriteString("channel", parsed.GetValue(_of));
        if (parsed.GetValue(_offset) is { } offset) writer.WriteNumber("offset", Offset(offset, "--offset"));
    }

    private async Task<int> PrintExplanationAsync(ParseResult parsed, JsonElement result, CancellationToken cancellationToken)
    {
        await PrintAsync($"{result.GetProperty("reason")}: {result.GetProperty("text")}", cancellationToken).ConfigureAwait(false);
        return ExitCode.Done;
    }

    private static ulong Offset(string text, string option) =>
        ulong.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out ulong offset)
            ? offset
            : throw new UsageException($"{option} is an offset, a whole number, and not \"{text}\".");

    // What others have published cannot steer the terminal.
    private async Task<int> PrintAsync(string line, CancellationToken cancellationToken, bool mayHaveTabs = false)
    {
        await streams.PrintAsync(mayHaveTabs ? line : PrintedBytes.WithoutControls(line), cancellationToken).ConfigureAwait(false);
        return ExitCode.Done;
    }
}
