using System.CommandLine;
using Broker.Cli.Terminal;

namespace Broker.Cli.Bench;

/// <summary>How the options of a run are made: each with its bounds, so that nothing is asked for without one.</summary>
internal static class BenchOptions
{
    /// <summary>The most connections of one kind.</summary>
    public const int ConnectionsMax = 1_000_000;

    /// <summary>The longest time, in seconds: a day.</summary>
    public const double SecondsMax = 86_400;

    /// <summary>A whole number within bounds.</summary>
    public static Option<int> Number(string name, int usual, int min, int max, string description) =>
        TypedOptions.Number(name, usual, min, max, description);

    /// <summary>A time in seconds.</summary>
    public static Option<double> Seconds(string name, double usual, string description) =>
        TypedOptions.Seconds(name, "S", usual, $"0 to {SecondsMax}", static seconds => seconds is >= 0 and <= SecondsMax, description);

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
}
