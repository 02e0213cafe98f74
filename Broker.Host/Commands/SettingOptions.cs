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
        (Valued("--cluster", "HOST:PORT", "Makes the hub a node of a cluster; other nodes reach it here."), "broker.cluster.address"),
        (Repeated("--seed", "HOST:PORT", "A node of the cluster to join; may be given several times, and may be the node itself."),
            "broker.cluster.seeds"),
        (Flag("--cluster-unprotected",
            "Lets the cluster's port be on an address that other machines reach, though nothing on it is encrypted."),
                "broker.cluster.allow-unprotected"),
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
            string[]? items = option is Option<string[]> list ? parsed.GetValue(list) ?? [] : null;
            string text = items is not null ? string.Join(",", items)
                : option is Option<bool> flag ? parsed.GetValue(flag) ? "on" : "off"
                : parsed.GetValue((Option<string>)option) ?? "";
            yield return KeyValuePair.Create(key, new SettingValue(text, items, new SettingOrigin($"command line {option.Name}")));
        }
    }

    private static Option<string> Valued(string name, string help, string description) =>
        new(name) { HelpName = help, Description = description };

    private static Option<string[]> Repeated(string name, string help, string description) =>
        new(name) { HelpName = help, Description = description, AllowMultipleArgumentsPerToken = false };

    private static Option<bool> Flag(string name, string description) =>
        new(name) { Description = description };
}
