using System.CommandLine;
using System.Text.RegularExpressions;

namespace Broker.Bench.Load;

/// <summary><c>load</c>: the end-to-end runs, Broker beside its peers.</summary>
internal static class LoadCommand
{
    private static readonly Option<string?> s_generator = new("--generator")
    {
        Description = "The wsload program. It is not part of this repository, so it has to be given.",
    };

    private static readonly Option<string?> s_hostCommand = new("--host-command")
    {
        Description = "Starts Broker, with {port} in it. Otherwise the Release build of Broker.Host in this tree.",
    };

    private static readonly Option<string[]> s_peer = new("--peer")
    {
        Description = "One more server: 'NAME=COMMAND' or 'NAME:DIALECT=COMMAND', with {port} in the command. "
            + $"Dialects: {string.Join(", ", Dialects.ByName.Keys)}; plain unless named. May be given again.",
    };

    private static readonly Option<string?> s_peers = new("--peers")
    {
        Description =
            "Only these servers, in this order, joined by commas: broker, broker-native, kestrel-echo, kestrel-hub, signalr, node-ws, "
                + "nats, mosquitto.",
    };

    private static readonly Option<string> s_only = new("--only")
    {
        Description = "Only scenarios whose name matches this regular expression.",
        DefaultValueFactory = _ => "",
    };

    private static readonly Option<string?> s_baseline = new("--baseline")
    {
        Description = "The server that ratios are taken to. Otherwise the first of each table.",
    };

    private static readonly Option<int> s_rounds = new("--rounds") { Description = "Turns of each server.", DefaultValueFactory = _ => 5 };
    private static readonly Option<double> s_seconds =
        new("--secs") { Description = "Measured seconds a turn.", DefaultValueFactory = _ => 5 };
    private static readonly Option<double> s_warm = new("--warm") { Description = "Seconds before them.", DefaultValueFactory = _ => 1 };
    private static readonly Option<double> s_firstWarm =
        new("--first-warm") { Description = "As many at least in the first round of a server.", DefaultValueFactory = _ => 3 };
    private static readonly Option<bool> s_allocations =
        new("--allocations") { Description = "Also count what servers of .NET allocate, in one more turn of 5 s each." };
    private static readonly Option<string> s_serverCores =
        new("--server-cores") { Description = "For taskset.", DefaultValueFactory = _ => "0" };
    private static readonly Option<string> s_generatorCores =
        new("--generator-cores") { Description = "For taskset.", DefaultValueFactory = _ => "1" };
    private static readonly Option<int> s_minutesMax =
        new("--minutes-max") { Description = "No scenario starts after this many minutes.", DefaultValueFactory = _ => 240 };
    private static readonly Option<bool> s_write = new("--write") { Description = "Also write a dated page into Broker.Bench/results." };
    private static readonly Option<bool> s_list = new("--list") { Description = "Print scenarios and servers and run nothing." };

    public static Command Create()
    {
        var command = new Command("load", "Runs Broker and its peers, one core each for server and generator, in interleaved rounds.")
        {
            s_generator, s_hostCommand, s_peer, s_peers, s_only, s_baseline, s_rounds, s_seconds, s_warm, s_firstWarm, s_allocations,
            s_serverCores, s_generatorCores, s_minutesMax, s_write, s_list,
        };
        command.SetAction(async (parsed, stop) =>
        {
            try
            {
                return await RunAsync(parsed, stop);
            }
            catch (LoadException e)
            {
                await Console.Error.WriteLineAsync(e.Message);
                return 2;
            }
        });
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken stop)
    {
        var startedUtc = DateTime.UtcNow;
        List<Contestant> asked = Asked(parsed);
        if (parsed.GetValue(s_list))
        {
            foreach (Scenario scenario in Chosen(parsed)) Console.WriteLine($"{scenario.Name}: {scenario.Description}");
            foreach (Contestant contestant in asked) Console.WriteLine($"{contestant.Name}: {contestant.Missing ?? "there"}");
            return 0;
        }

        LoadSettings settings = Settings(parsed, [.. asked.Where(contestant => contestant.Missing is null)]);

        var circumstances = new List<(string, string)> { ("Command", CommandText()) };
        circumstances.AddRange(await Machine.DescribeAsync(settings.Generator, settings.Contestants, stop));
        var report = new Report(startedUtc, circumstances);
        foreach (Contestant contestant in asked.Where(contestant => contestant.Missing is not null))
            report.AddNote($"{contestant.Name} left out: {contestant.Missing}");
        Console.WriteLine(report.Head());

        bool right = await RunAsync(settings, report, stop);
        if (parsed.GetValue(s_write) && report.HasTables) Console.WriteLine($"Written: {report.Write()}");
        return stop.IsCancellationRequested ? 130 : right ? 0 : 1;
    }

    private static async Task<bool> RunAsync(LoadSettings settings, Report report, CancellationToken stop)
    {
        bool right = true;
        var run = new LoadRun(settings);
        try
        {
            await foreach (Results results in run.RunAsync(stop))
            {
                string table = Table.Format(results, settings.Baseline ?? results.Names.First());
                report.AddTable(table);
                Console.WriteLine(table);
                right &= !results.HasFault;
            }
            if (run.RanOutOfTime) report.AddNote("the time was over before the scenarios were");
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            report.AddNote("stopped from outside; the scenarios that are missing did not finish");
        }
        return right && !run.RanOutOfTime;
    }

    private static LoadSettings Settings(ParseResult parsed, IReadOnlyList<Contestant> contestants)
    {
        string generator = Path.GetFullPath(parsed.GetValue(s_generator) ?? throw new LoadException(
            "--generator PATH is needed: the wsload program, which is not part of this repository. See docs/BENCHMARKS.md."));
        if (!File.Exists(generator)) throw new LoadException($"There is no generator at {generator}.");
        if (CommandLine.Find("taskset") is null) throw new LoadException("taskset is needed, to keep server and generator on their cores.");
        if (contestants.Count == 0) throw new LoadException("None of the servers asked for is there; --list says why.");

        string? baseline = parsed.GetValue(s_baseline);
        if (baseline is not null && contestants.All(contestant => contestant.Name != baseline))
            throw new LoadException($"The baseline {baseline} does not take part.");

        return new LoadSettings
        {
            Generator = generator,
            Contestants = contestants,
            Scenarios = Chosen(parsed),
            Baseline = baseline,
            Rounds = Math.Max(1, parsed.GetValue(s_rounds)),
            Pace = new Pace(parsed.GetValue(s_warm), parsed.GetValue(s_seconds)),
            FirstWarmSeconds = parsed.GetValue(s_firstWarm),
            Allocations = parsed.GetValue(s_allocations),
            ServerCores = parsed.GetRequiredValue(s_serverCores),
            GeneratorCores = parsed.GetRequiredValue(s_generatorCores),
            TimeMax = TimeSpan.FromMinutes(parsed.GetValue(s_minutesMax)),
        };
    }

    private static Scenario[] Chosen(ParseResult parsed)
    {
        string only = parsed.GetRequiredValue(s_only);
        try
        {
            Scenario[] chosen = [.. Scenarios.All.Where(s => Regex.IsMatch(s.Name, only, RegexOptions.CultureInvariant))];
            return chosen.Length > 0 ? chosen : throw new LoadException($"No scenario matches {only}; --list prints them.");
        }
        catch (RegexParseException e)
        {
            throw new LoadException($"--only is not a regular expression: {e.Message}");
        }
    }

    /// <summary>The servers that the command line names, or all; also those that are not installed.</summary>
    private static List<Contestant> Asked(ParseResult parsed)
    {
        List<Contestant> all =
        [
            .. Contestants.Known(parsed.GetValue(s_hostCommand)),
            .. (parsed.GetValue(s_peer) ?? []).Select(Contestants.Parse),
        ];
        if (all.GroupBy(contestant => contestant.Name).FirstOrDefault(same => same.Count() > 1) is { } twice)
            throw new LoadException($"Two servers are named {twice.Key}.");
        if (parsed.GetValue(s_peers) is not { } list) return all;

        string[] names = list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        if (names.FirstOrDefault(name => all.All(contestant => contestant.Name != name)) is { } unknown)
            throw new LoadException(
                $"There is no server {unknown}; there are {string.Join(", ", all.Select(contestant => contestant.Name))}.");
        return [.. names.Distinct().Select(name => all.First(contestant => contestant.Name == name))];
    }

    /// <summary>The command as it can be printed anywhere: a path is its last part only.</summary>
    private static string CommandText() =>
        "Broker.Bench " + string.Join(' ', Environment.GetCommandLineArgs().Skip(1)
            .Select(word => Regex.Replace(word, @"(?<![\w.{])/(?:[^\s/=]+/)*(?=[^\s/=]+)", ""))
            .Select(word => word.Contains(' ', StringComparison.Ordinal) ? $"'{word}'" : word));
}
