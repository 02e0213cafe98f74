using System.Diagnostics;
using System.Globalization;

namespace Broker.Bench.Load;

/// <summary>What a load run was asked for.</summary>
internal sealed record LoadSettings
{
    public required string Generator { get; init; }
    public required IReadOnlyList<Contestant> Contestants { get; init; }
    public required IReadOnlyList<Scenario> Scenarios { get; init; }
    public required string? Baseline { get; init; }
    public required int Rounds { get; init; }
    public required Pace Pace { get; init; }

    /// <summary>Of the first round at least: a server that compiles itself while it runs must have done so before it is measured.</summary>
    public required double FirstWarmSeconds { get; init; }

    /// <summary>Whether servers of .NET take one more turn, in which what they allocate is counted.</summary>
    public required bool Allocations { get; init; }

    public required string ServerCores { get; init; }
    public required string GeneratorCores { get; init; }
    public required TimeSpan TimeMax { get; init; }
}

/// <summary>
/// Asks every scenario of every server. The servers of a scenario are up together and take turns, A B C A B C, so that
/// a drift of the machine meets all of them alike; only the one whose turn it is has connections.
/// </summary>
internal sealed class LoadRun(LoadSettings settings)
{
    private static readonly Pace s_weighing = new(WarmSeconds: 0.5, Seconds: 5);

    private readonly Generator _generator = new(settings.Generator, settings.GeneratorCores);
    private readonly long _started = Stopwatch.GetTimestamp();

    /// <summary>Whether the time was over before the scenarios were.</summary>
    public bool RanOutOfTime { get; private set; }

    /// <summary>Runs the scenarios one after the other and gives the results of each as soon as it has them.</summary>
    public async IAsyncEnumerable<Results> RunAsync(
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        foreach (Scenario scenario in settings.Scenarios)
        {
            if (Stopwatch.GetElapsedTime(_started) > settings.TimeMax)
            {
                RanOutOfTime = true;
                yield break;
            }

            Contestant[] contestants = [.. settings.Contestants.Where(contestant => scenario.Suits(contestant.Dialect))];
            if (contestants.Length > 0) yield return await RunAsync(scenario, contestants, stop);
        }
    }

    private async Task<Results> RunAsync(Scenario scenario, Contestant[] contestants, CancellationToken stop)
    {
        var results = new Results(scenario, settings.Rounds);
        foreach (Contestant contestant in contestants) results.Enter(contestant.Name);
        var servers = new Dictionary<string, Server>();
        try
        {
            for (int round = 0; round < settings.Rounds; round++)
            {
                foreach (Contestant contestant in contestants)
                {
                    if (!results.IsGivenUp(contestant.Name)) await TakeTurnAsync(results, contestant, servers, round, stop);
                }
            }
            foreach (Contestant contestant in contestants)
            {
                if (servers.TryGetValue(contestant.Name, out Server? server)) await WeighAsync(results, contestant, server, stop);
            }
            return results;
        }
        finally
        {
            foreach (Server server in servers.Values) await server.DisposeAsync();
        }
    }

    private async Task TakeTurnAsync(
        Results results, Contestant contestant, Dictionary<string, Server> servers, int round, CancellationToken stop)
    {
        Scenario scenario = results.Scenario;
        try
        {
            if (!servers.TryGetValue(contestant.Name, out Server? server))
            {
                server = await Server.StartAsync(contestant, settings.ServerCores, stop);
                servers.Add(contestant.Name, server);
                if (round == 0) await CheckAsync(scenario, contestant, server, stop);
            }

            Reading reading = await MeasureAsync(scenario, contestant, server, round, stop);
            results.Add(contestant.Name, round, reading);
            if (scenario.Fault(reading) is { } fault) results.AddFault(contestant.Name, fault);
            Send($"{scenario.Name} {round + 1}/{settings.Rounds} {contestant.Name}: {Headline(scenario, reading)}");
        }
        catch (LoadException e)
        {
            results.GiveUp(contestant.Name, e.Message);
            Send($"{scenario.Name} {round + 1}/{settings.Rounds} {contestant.Name}: {e.Message}");
        }

        if (scenario.Fresh && servers.Remove(contestant.Name, out Server? used)) await used.DisposeAsync();
        else if (servers.TryGetValue(contestant.Name, out Server? kept)) await kept.QuietAsync(stop);
    }

    private async Task CheckAsync(Scenario scenario, Contestant contestant, Server server, CancellationToken stop)
    {
        if (scenario.CheckArguments(contestant.Dialect) is not { } arguments) return;
        Reading reading = await _generator.RunAsync(server, contestant.Name, arguments, TimeSpan.FromSeconds(90), stop);
        if (scenario.Fault(reading) is { } fault) throw new LoadException($"the check of contents failed: {fault}");
        await server.QuietAsync(stop);
    }

    private async Task<Reading> MeasureAsync(
        Scenario scenario, Contestant contestant, Server server, int round, CancellationToken stop)
    {
        Pace pace = round == 0 && !scenario.Fresh
            ? settings.Pace with { WarmSeconds = Math.Max(settings.FirstWarmSeconds, settings.Pace.WarmSeconds) }
            : settings.Pace;
        // The generator bounds its own connecting with 60 s for each kind of connection, and its draining.
        TimeSpan limit = TimeSpan.FromSeconds(150 + Subscription.DrainSeconds + pace.WarmSeconds + pace.Seconds);

        for (int i = 0; round == 0 && i < scenario.Rehearsals; i++)
        {
            await _generator.RunAsync(server, contestant.Name, scenario.Arguments(contestant.Dialect, pace), limit, stop);
            await server.QuietAsync(stop);
        }

        long residentKiB = server.ResidentKiB();
        Reading reading = await _generator.RunAsync(
            server, contestant.Name, scenario.Arguments(contestant.Dialect, pace), limit, stop);
        scenario.Complete(reading, residentKiB);
        return reading;
    }

    // What the server allocates, after the rounds: being received costs it something.
    private async Task WeighAsync(Results results, Contestant contestant, Server server, CancellationToken stop)
    {
        Scenario scenario = results.Scenario;
        if (!settings.Allocations || scenario.Rate is not { } rate || results.IsGivenUp(contestant.Name)) return;
        using AllocationCounter? counter = AllocationCounter.Of(server.ProcessId);
        if (counter is null) return;
        try
        {
            await counter.SettleAsync(stop);
            Reading reading = await _generator.RunAsync(
                server, contestant.Name, scenario.Arguments(contestant.Dialect, s_weighing),
                    TimeSpan.FromSeconds(150 + Subscription.DrainSeconds), stop);
            results.Add(contestant.Name, "allocated", counter.BytesASecond(s_weighing.Seconds) / reading[rate]);
            await server.QuietAsync(stop);
        }
        catch (Exception e) when (e is LoadException or TimeoutException)
        {
            results.AddFault(contestant.Name, $"allocations: {e.Message}");
        }
    }

    private static string Headline(Scenario scenario, Reading reading)
    {
        Metric first = scenario.Metrics[0];
        string counts = scenario.Fault(reading) ?? "counts right";
        if (double.IsFinite(reading["delivered"]))
            counts += $" ({reading["delivered"].ToString("N0", CultureInfo.InvariantCulture)} deliveries)";
        return $"{first.Of(reading).ToString(first.Format, CultureInfo.InvariantCulture)} {first.Title}, {counts}";
    }

    private static void Send(string line) => Console.Error.WriteLine(line);
}
