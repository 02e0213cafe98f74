using System.Globalization;

namespace Broker.Cli.Bench;

/// <summary>How many connections the limit of open files lets this process have.</summary>
internal static class OpenFiles
{
    private const int Reserved = 200;       // What the runtime has open itself, and more.

    /// <summary>The limit of this process, which the runtime has raised as far as it may; <c>null</c> where it is not told.</summary>
    public static long? Limit
    {
        get
        {
            const string Name = "Max open files";
            if (!File.Exists("/proc/self/limits")) return null;
            string? line = File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith(Name, StringComparison.Ordinal));
            string[] words = line?[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
            return words.Length > 0 && long.TryParse(words[0], CultureInfo.InvariantCulture, out long limit) ? limit : null;
        }
    }

    /// <summary>Refuses what the limit has no room for, before the first connection is opened.</summary>
    /// <exception cref="BenchException">It names the limit and what was asked for.</exception>
    public static void Check(int connections, long? limit)
    {
        if (limit is not { } most || connections + Reserved <= most) return;
        throw new BenchException(
            $"{connections} connections need about {connections + Reserved} open files, and this process may have {most}: raise it (ulimit "
                + $"-n, ulimit -Hn, LimitNOFILE=) or ask for {Math.Max(0, most - Reserved)} at most.");
    }
}
