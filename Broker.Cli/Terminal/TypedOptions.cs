using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Broker.Cli.Terminal;

/// <summary>Options and arguments with bounds, each refused in a sentence of its own where what is typed lies outside.</summary>
internal static class TypedOptions
{
    /// <summary>A whole number within bounds.</summary>
    public static Option<int> Number(string name, int usual, int min, int max, string description) => new(name)
    {
        HelpName = "N",
        Description = description,
        DefaultValueFactory = _ => usual,
        CustomParser = argument => (int)Read(argument, $"{name} is {min} to {max}", min, max),
    };

    /// <summary>How many of something at most; no bound where it is left out.</summary>
    public static Option<long?> Count(string name, string letter, string description) => new(name, letter)
    {
        HelpName = "N",
        Description = description,
        CustomParser = argument => Read(argument, $"{name} is 1 or more", 1, long.MaxValue),
    };

    /// <summary>A time in seconds.</summary>
    /// <param name="name">The option's.</param>
    /// <param name="helpName">Of its value, in help.</param>
    /// <param name="usual">Where it is left out.</param>
    /// <param name="bounds">What is taken, in words.</param>
    /// <param name="isTaken">What is taken.</param>
    /// <param name="description">What it is for.</param>
    public static Option<double> Seconds(
        string name, string helpName, double usual, string bounds, Func<double, bool> isTaken, string description) => new(name)
    {
        HelpName = helpName,
        Description = description,
        DefaultValueFactory = _ => usual,
        CustomParser = argument =>
        {
            string text = TextOf(argument);
            if (double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double seconds) && isTaken(seconds))
                return seconds;
            argument.AddError($"{name} is {bounds} seconds, and not \"{text}\".");
            return usual;
        },
    };

    /// <summary>An argument that is not the empty text, which a shell gives for a variable without a value.</summary>
    public static Argument<string> Named(string name, string description)
    {
        var argument = new Argument<string>(name) { Description = description };
        argument.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value.Length: 0 }]) result.AddError($"{name} is empty.");
        });
        return argument;
    }

    /// <summary>Whether the command line gives an option.</summary>
    public static bool Has(this SymbolResult result, Option option) => result.GetResult(option) is { Implicit: false };

    /// <summary>
    /// A value while the command line is being checked; the default where it is left out, and where it is no such value, which is refused
    /// by itself.
    /// </summary>
    public static T? ValueOrDefault<T>(this SymbolResult result, Option<T> option)
    {
        try
        {
            return result.GetValue(option);
        }
        catch (InvalidOperationException)
        {
            return default;
        }
    }

    private static long Read(ArgumentResult argument, string bounds, long min, long max)
    {
        string text = TextOf(argument);
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= min
            && number <= max) return number;
        argument.AddError($"{bounds}, and not \"{text}\".");
        return min;
    }

    private static string TextOf(ArgumentResult argument) => argument.Tokens is [.., { } last] ? last.Value : "";
}
