using System.CommandLine;
using Broker.Configuration;

namespace Broker.Host.Commands;

/// <summary>The options of the command line that set a setting; they make its strongest layer.</summary>
/// <remarks>Values stay text until the settings are read, so that a bad one is refused in the same words everywhere.</remarks>
public static class SettingOptions
{
    private static readonly (Option Option, string Key)[] All =
    [
        (Valued("--host", "ADDRESS", "The address to listen on; 127.0.0.1 unless set."), "broker.listen.address"),
        (Valued("--port", "PORT", "The port to listen on; 8000 unless set, 0 picks a free one."), "broker.listen.port"),
        (Valued("--reactors", "N", "Event loops; one for each processor unless set."), "broker.reactors"),
        (Valued("--store", "PATH", "Opens the keyed store in this folder, which is made if it is missing."), "broker.store.path"),
        (Valued("--log-level", "LEVEL", "verbose, debug, information, warning, error or fatal."), "broker.log.level"),
        (Flag("--echo", "Opens the echo endpoint, for conformance and measurement."), "broker.echo.enabled"),
        (Flag("--allow-anonymous-anywhere", "Lets anonymous clients in from other machines."), "broker.listen.allow-anonymous-anywhere"),
    ];

    /// <summary>Adds the options to a command.</summary>
    public static void AddTo(Command command)
    {
        ArgumentNullException.ThrowIfNull(command);
        foreach ((Option option, _) in All) command.Add(option);
    }

    /// <summary>Takes what the command line says.</summary>
    public static SettingsLayer Read(ParseResult parsed)
    {
        ArgumentNullException.ThrowIfNull(parsed);
        return SettingsLayer.Of("command line", Written(parsed));
    }

    private static IEnumerable<KeyValuePair<string, SettingValue>> Written(ParseResult parsed)
    {
        foreach ((Option option, string key) in All)
        {
            if (parsed.GetResult(option) is not { Implicit: false }) continue;
            string text = option is Option<bool> flag
                ? parsed.GetValue(flag) ? "on" : "off"
                : parsed.GetValue((Option<string>)option) ?? "";
            yield return KeyValuePair.Create(key, new SettingValue(text, null, new SettingOrigin($"command line {option.Name}")));
        }
    }

    private static Option<string> Valued(string name, string help, string description) =>
        new(name) { HelpName = help, Description = description };

    private static Option<bool> Flag(string name, string description) =>
        new(name) { Description = description };
}
