using System.CommandLine;
using System.CommandLine.Parsing;

namespace Broker.Host.Bench;

/// <summary>How the options of a run are made: each with its bounds, so that nothing is asked for without one.</summary>
internal static class BenchOptions
{
    /// <summary>The most connections of one kind.</summary>
    public const int ConnectionsMax = 1_000_000;

    /// <summary>The longest time, in seconds: a day.</summary>
    public const double SecondsMax = 86_400;

    /// <summary>A whole number within bounds.</summary>
    public static Option<int> Number(string name, int usual, int min, int max, string description)
    {
        var option = new Option<int>(name) { HelpName = "N", Description = description, DefaultValueFactory = _ => usual };
        option.Validators.Add(result =>
        {
            if (IsOutside(result, min, max)) result.AddError($"{name} is {min} to {max}.");
        });
        return option;
    }

    /// <summary>A time in seconds.</summary>
    public static Option<double> Seconds(string name, double usual, string description)
    {
        var option = new Option<double>(name) { HelpName = "S", Description = description, DefaultValueFactory = _ => usual };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && result.GetValueOrDefault<double>() is not (>= 0 and <= SecondsMax)) result.AddError($"{name} is 0 to {SecondsMax} seconds.");
        });
        return option;
    }

    /// <summary>Where to.</summary>
    public static Argument<Uri> Url() => new("URL")
    {
        Description = "The server, ws or wss.",
        CustomParser = argument =>
        {
            string text = argument.Tokens.Count == 1 ? argument.Tokens[0].Value : "";
            if (Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "ws" or "wss") return url;
            argument.AddError($"{text} is no URL of a WebSocket, such as ws://127.0.0.1:8000/echo.");
            return null;
        },
    };

    /// <summary>Whether the command line gives an option.</summary>
    public static bool Has(this SymbolResult result, Option option) => result.GetResult(option) is { Implicit: false };

    private static bool IsOutside(OptionResult result, int min, int max) =>
        result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out int value) && (value < min || value > max);
}
