using System.Collections;
using System.CommandLine;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Broker.Cli.Bench;
using Broker.Cli.Commands;
using Broker.Cli.Terminal;
using Broker.Configuration;
using Broker.Host.Composition;
using Broker.Host.Hosting;
using Broker.Host.Settings;

namespace Broker.Host.Commands;

/// <summary>
/// The command line: <c>serve</c>, which is meant when no command is given, <c>check-config</c>, the commands of a client, and
/// <c>bench</c>.
/// </summary>
/// <param name="makeHub">Makes the hub that <c>serve</c> runs.</param>
/// <param name="environment">The variables of the process.</param>
/// <param name="output">Standard output.</param>
/// <param name="error">Standard error.</param>
public sealed class BrokerCommand(HubFactory makeHub, IDictionary environment, TextWriter output, TextWriter error)
{
    /// <summary>The exit code of a command line or of settings that cannot be used.</summary>
    public const int Unusable = 2;

    // What follows an @ is text as any other, and no file whose words are taken in its place.
    private static readonly ParserConfiguration s_parsing = new() { ResponseFileTokenReplacer = null };

    private readonly Option<string?> _config = new("--config", "-c")
    {
        HelpName = "PATH",
        Description = "A HOCON file with what differs from the defaults.",
    };

    /// <summary>Runs one command line.</summary>
    /// <returns>
    /// <c>serve</c>: 0 after a graceful end, 1 if it failed, 2 if the settings cannot be used.
    /// <c>check-config</c>: 0 if the settings can be used, otherwise 1. A malformed command line: 2. Of a client's command one of
    /// <see cref="ExitCode"/>. What nothing has foreseen: <see cref="ExitCode.Broken"/>.
    /// </returns>
    public async Task<int> RunAsync(IReadOnlyList<string> arguments, CancellationToken stop = default)
    {
        try
        {
            return await RunParsedAsync(arguments, stop).ConfigureAwait(false);
        }
        catch (OutputClosedException)
        {
            return ExitCode.OutputClosed;
        }
#pragma warning disable CA1031 // The last place where a failure can be told; whatever it is, the process ends with it.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            string message = failure.Message.ReplaceLineEndings(" ");
            await error.WriteLineAsync($"broker: a fault of this program, {failure.GetType().Name}: {message}").ConfigureAwait(false);
            return ExitCode.Broken;
        }
    }

    private async Task<int> RunParsedAsync(IReadOnlyList<string> arguments, CancellationToken stop)
    {
        ParseResult parsed = MakeRoot(stop).Parse(arguments, s_parsing);
        if (parsed.Action is ParseErrorAction unparsed) unparsed.ShowHelp = false;

        // Signals are the host's: this library would end the process two seconds after one.
        var invocation = new InvocationConfiguration
        {
            Output = parsed.Action is ParseErrorAction ? error : output,
            Error = error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        };
        int code = await parsed.InvokeAsync(invocation, stop).ConfigureAwait(false);
        if (parsed.Action is not ParseErrorAction) return code;
        await error.WriteLineAsync($"broker: {NameOf(parsed.CommandResult)} --help lists what there is.").ConfigureAwait(false);
        return Unusable;
    }

    /// <summary>A command as it is typed.</summary>
    private static string NameOf(CommandResult command) =>
        command.Parent is CommandResult parent ? $"{NameOf(parent)} {command.Command.Name}" : "broker";

    private RootCommand MakeRoot(CancellationToken stop)
    {
        var root = new RootCommand(
            "A WebSocket hub, and a client of it. Settings of the hub come from the file of --config, stronger from environment variables "
            + "(BROKER_LISTEN_PORT is broker.listen.port), strongest from the command line. "
            + "The log goes to standard error.");
        PlainHelp.ApplyTo(root);
        var serve = new Command("serve", "Serves until SIGTERM or SIGINT; a second signal ends it at once. The default.");
        var check = new Command("check-config", "Prints each setting that differs from its default, and who set it.");
        foreach (Command each in (Command[])[root, serve, check])
        {
            each.Add(_config);
            SettingOptions.AddTo(each);
        }

        root.Add(serve);
        root.Add(check);
        new ConfigurationCommands(output, error).AddTo(root);
        CompletionCommand.AddTo(root, output);
        new ClientCommands(environment, Streams.OfProcess).AddTo(root);
        new ApiCommands(environment, Streams.OfProcess, _config, ApiTargetOf).AddTo(root);
        new HealthCommand(environment, Streams.OfProcess, _config, ApiTargetOf).AddTo(root);
        StoreFolderCommand.AddTo(root, Streams.OfProcess);
        ClusterCommand.AddTo(root, environment, Streams.OfProcess);
        new BenchCommand(Streams.OfProcess).AddTo(root);
        new TokenCommands(_config, Load, TimeProvider.System, output, error).AddTo(root);
        root.SetAction((parsed, _) => ServeAsync(parsed, stop));
        serve.SetAction((parsed, _) => ServeAsync(parsed, stop));
        check.SetAction(CheckConfig);
        return root;
    }

    private async Task<int> ServeAsync(ParseResult parsed, CancellationToken stop)
    {
        LoadedSettings loaded;
        try
        {
            loaded = Load(parsed);
        }
        catch (SettingException bad)
        {
            Report(bad);
            return Unusable;
        }

        return await BrokerProcess.ServeAsync(loaded, makeHub, output, error, stop).ConfigureAwait(false);
    }

    private int CheckConfig(ParseResult parsed)
    {
        try
        {
            LoadedSettings loaded = Load(parsed);
            foreach (string warning in loaded.Warnings) error.WriteLine($"broker: {warning}");
            foreach ((string key, SettingValue value) in loaded.Layers.Changed())
                output.WriteLine($"{key} = {value.Text}  # {value.Origin}");

            output.WriteLine("The settings can be used.");
            return 0;
        }
        catch (SettingException bad)
        {
            Report(bad);
            return 1;
        }
    }

    private ApiTarget ApiTargetOf(ParseResult parsed)
    {
        try
        {
            HostSettings settings = Load(parsed).Settings;
            System.Net.IPAddress address = settings.Hub.Listen.Address;
            if (address.Equals(System.Net.IPAddress.Any)) address = System.Net.IPAddress.Loopback;
            if (address.Equals(System.Net.IPAddress.IPv6Any)) address = System.Net.IPAddress.IPv6Loopback;
            string key = settings.Identity.Api.Keys is [var first, ..] ? first : "";
            return new ApiTarget($"http://{new System.Net.IPEndPoint(address, settings.Hub.Listen.Port)}", key);
        }
        catch (SettingException bad)
        {
            return new ApiTarget("", "") { Problems = bad.Problems };
        }
    }

    private LoadedSettings Load(ParseResult parsed) =>
        SettingsLoader.Load(parsed.GetValue(_config), environment, SettingOptions.Read(parsed));

    private void Report(SettingException bad)
    {
        foreach (string problem in bad.Problems) error.WriteLine($"broker: {problem}");
    }
}
