using System.CommandLine;
using System.Globalization;
using System.Text;
using Broker.Cli.Terminal;
using Broker.Client;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;

namespace Broker.Cli.Commands;

/// <summary><c>broker store</c>: reads and writes the hub's keyed store.</summary>
internal static class StoreCommand
{
    private static readonly Dictionary<string, Durability> s_durabilities =
        new(StringComparer.Ordinal) { ["memory"] = Durability.Memory, ["os"] = Durability.System, ["disk"] = Durability.Disk };

    public static Command Make(ClientCommands commands) =>
        new("store", "Reads and writes the hub's keyed store, and looks after the files of one that is not running.")
    {
        MakeGet(commands), MakePut(commands), MakeDelete(commands), MakeScan(commands),
    };

    private static Command MakeGet(ClientCommands commands)
    {
        Argument<string> key = KeyArgument();
        Option<bool> hex = HexOption();
        var output =
            new Option<FileInfo?>("--output", "-o", "--out")
                { HelpName = "PATH",
                    Description =
                        "Writes the value to a file, which is replaced once all of it has come; through what is no regular file." };
        var command =
            new Command("get",
                $"Writes the value of a key, byte for byte, to standard output. Ends with {ExitCode.Missing} where there is none.")
                    { key, hex, output };
        CheckHex(command, key, hex);
        Define(commands, command, async (parsed, client, cancellationToken) =>
        {
            string name = parsed.GetValue(key)!;
            byte[] bytes = KeyOf(name, parsed.GetValue(hex));
            long? length = parsed.GetValue(output) is { } file
                ? await OutputFile.WriteAsync(file, GetAsync, cancellationToken).ConfigureAwait(false)
                : await GetAsync(commands.Streams.Output).ConfigureAwait(false);
            return length is null ? Missing(commands, name) : ExitCode.Done;

            Task<long?> GetAsync(Stream target) => commands.Progress.RunAsync(name, bytes: -1, progress =>
                new StoreClient(client).Streams.ReadAsync(
                    bytes, target, settings: new CallSettings { Download = progress }, cancellationToken: cancellationToken));
        });
        return command;
    }

    private static Command MakePut(ClientCommands commands)
    {
        Argument<string> key = KeyArgument();
        Option<bool> hex = HexOption();
        Option<string> durability = DurabilityOption();
        var payload = new Payload("VALUE", "The value");
        var command =
            new Command("put", "Sets a key, and prints the store's tail: a number that rises with every change.") { key, hex, durability };
        CheckHex(command, key, hex);
        payload.AddTo(command);
        Define(commands, command, async (parsed, client, cancellationToken) =>
        {
            await using Stream value = await payload.OpenAsync(parsed, commands.Streams.Input, cancellationToken).ConfigureAwait(false);
            string name = parsed.GetValue(key)!;
            ulong tail =
                await commands.Progress.RunAsync(
                    name, value.CanSeek ? value.Length : -1, progress => new StoreClient(client).Streams.WriteAsync(
                KeyOf(name, parsed.GetValue(hex)), value, s_durabilities[parsed.GetValue(durability)!],
                    new CallSettings { Upload = progress }, cancellationToken)).ConfigureAwait(false);
            await commands.Streams.PrintAsync(tail.ToString(CultureInfo.InvariantCulture), cancellationToken).ConfigureAwait(false);
            return ExitCode.Done;
        });
        return command;
    }

    private static Command MakeDelete(ClientCommands commands)
    {
        Argument<string> key = KeyArgument();
        Option<bool> hex = HexOption();
        Option<string> durability = DurabilityOption();
        var command = new Command("delete", $"Deletes a key. Ends with {ExitCode.Missing} where there was none.") { key, hex, durability };
        CheckHex(command, key, hex);
        Define(commands, command, async (parsed, client, cancellationToken) =>
        {
            string name = parsed.GetValue(key)!;
            bool found = await new StoreClient(client)
                .DeleteAsync(KeyOf(name, parsed.GetValue(hex)), s_durabilities[parsed.GetValue(durability)!], cancellationToken)
                .ConfigureAwait(false);
            return found ? ExitCode.Done : Missing(commands, name);
        });
        return command;
    }

    private static Command MakeScan(ClientCommands commands)
    {
        var prefix =
            new Argument<string>("PREFIX")
                { Description = "What the keys begin with; all keys without it.", Arity = ArgumentArity.ZeroOrOne };
        Option<bool> hex = HexOption();
        var keys = new Option<bool>("--keys", "-k") { Description = "Prints the keys only." };
        var limit = TypedOptions.Count("--limit", "-n", "Ends after so many entries.");
        var command = new Command(
            "scan",
            "Prints a key, a tab and its value on each line, in the order of the keys' bytes. "
            + @"What is not plain text is written \t, \n, \r, \\ or \xff.")
        {
            prefix, hex, keys, limit,
        };
        CheckHex(command, prefix, hex);
        Define(commands, command, async (parsed, client, cancellationToken) =>
        {
            byte[] start = KeyOf(parsed.GetValue(prefix) ?? "", parsed.GetValue(hex));
            bool keysOnly = parsed.GetValue(keys);
            long? most = parsed.GetValue(limit);
            var store = new StoreClient(client);
            await commands.Progress.CountAsync("entries", async report =>
            {
                await using var output = new StreamWriter(commands.Streams.Output, new UTF8Encoding(false), 64 * 1024, leaveOpen: true);
                long count = 0;
                await foreach (
                    ScannedEntry entry in store.Streams.ScanAsync(
                        start, limit: most, keysOnly: keysOnly, cancellationToken: cancellationToken).ConfigureAwait(false))
                {
                    string line = PrintedBytes.Of(entry.Key.Span);
                    if (!keysOnly) line = $"{line}\t{await PrintValueAsync(store, entry, cancellationToken).ConfigureAwait(false)}";
                    await output.WriteLineAsync(line.AsMemory(), cancellationToken).ConfigureAwait(false);
                    count++;
                    report?.Invoke(count);
                }

                return count;
            }).ConfigureAwait(false);
            return ExitCode.Done;
        });
        return command;
    }

    private static void Define(
        ClientCommands commands, Command command, Func<ParseResult, BrokerClient, CancellationToken, Task<int>> run) =>
        commands.Define(command, async (parsed, client, cancellationToken) =>
        {
            try
            {
                return await run(parsed, client, cancellationToken).ConfigureAwait(false);
            }
            catch (CallFailedException failed) when (failed.Code == FaultCode.UnknownMethod)
            {
                throw new BrokerException(
                    "The hub has no keyed store: it has one when it is started with --store PATH (broker.store.path).", failed);
            }
        });

    // One that is too long to come with its key is read by it, as it is now.
    private static async Task<string> PrintValueAsync(StoreClient store, ScannedEntry entry, CancellationToken cancellationToken)
    {
        if (entry.Value is { } here) return PrintedBytes.Of(here.Span);
        using var value = new MemoryStream();
        await store.Streams.ReadAsync(entry.Key, value, cancellationToken: cancellationToken).ConfigureAwait(false);
        return PrintedBytes.Of(value.GetBuffer().AsSpan(0, (int)value.Length));
    }

    private static Argument<string> KeyArgument() => TypedOptions.Named("KEY", "The key, as text in UTF-8; at least one byte.");

    private static Option<bool> HexOption() => new("--hex") { Description = "The key or prefix is given in hexadecimal." };

    private static Option<string> DurabilityOption()
    {
        var option = new Option<string>("--durability", "-d")
        {
            HelpName = "LEVEL",
            Description = "What the change has outlived once it is answered: memory (nothing), os (the process) or disk (a power cut).",
            DefaultValueFactory = _ => "disk",
        };
        option.AcceptOnlyFromAmong([.. s_durabilities.Keys]);
        return option;
    }

    // Before anything connects: what makes no sense does so without a hub, too.
    private static void CheckHex(Command command, Argument<string> text, Option<bool> hex) => command.Validators.Add(result =>
    {
        if (!result.ValueOrDefault(hex) || result.GetResult(text) is not { Tokens: [var given] }) return;
        if (given.Value.Length % 2 != 0 || !given.Value.All(char.IsAsciiHexDigit))
            result.AddError($"{given.Value} is not hexadecimal, as --hex requires.");
    });

    private static byte[] KeyOf(string text, bool isHex) => isHex ? Convert.FromHexString(text) : Encoding.UTF8.GetBytes(text);

    private static int Missing(ClientCommands commands, string key)
    {
        commands.Streams.Report($"there is no key {key}");
        return ExitCode.Missing;
    }
}
