using Broker.Dialects.Echo;
using Broker.Dialects;
using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Akka.Configuration;
using Broker.Actors;
using Broker.Actors.Settings;
using Broker.Bench.Load;

namespace Broker.Bench.Allocations;

/// <summary>
/// A hub in this process under the load of <c>load</c>'s scenarios, and the heap's own count of what was allocated meanwhile.
/// </summary>
/// <remarks>
/// The count is read exactly a few times a second; the reading uses those that lie well inside the measured seconds, so that neither
/// connecting nor compiling is in it. What this program itself allocates then, some hundred bytes a reading, is.
/// </remarks>
internal sealed class AllocationsRun(string generator, double seconds, bool types)
{
    private const double WarmSeconds = 3;
    private static readonly TimeSpan s_step = TimeSpan.FromMilliseconds(250), s_margin = TimeSpan.FromMilliseconds(500);

    private static readonly Scenario[] s_scenarios =
    [
        new EchoScenario(Connections: 100, Bytes: 20, Depth: 1),
        new EchoScenario(Connections: 100, Bytes: 125, Depth: 16),
        new EchoScenario(Connections: 10, Bytes: 16384, Depth: 1),
        .. new[] { 10, 100, 1000 }.Select(
        subscribers => new FanOutScenario($"fanout-{subscribers}x64-w1", subscribers, Bytes: 64, Window: 1)),
        .. new[] { 10, 100, 1000 }.Select(
        subscribers => new FanOutScenario($"fanout-{subscribers}x64-w16", subscribers, Bytes: 64, Window: 16)),
    ];

    public async Task<int> RunAsync(string only, CancellationToken stop)
    {
        if (!File.Exists(generator)) throw new LoadException($"There is no generator at {generator}.");
        var settings = new StandardSettings
        {
            Reactors = 1,
            Listen = new ListenSettings { Port = 0 },
            Echo = new EchoSettings { Enabled = true },
            // No one answers.
            Clients = new Broker.Actors.Sessions.ClientSettings { PingInterval = TimeSpan.FromHours(1), PongLimit = TimeSpan.FromHours(1) },
        };
        await using var hub =
            new Hub(settings.Hub, ConfigurationFactory.ParseString("akka { loglevel = WARNING }"), TimeProvider.System,
                Broker.Dialects.StandardDialects.Of(settings));
        hub.Start(plainHttp: null);
        int port = hub.Endpoints[0].Port;

        bool right = true;
        Console.WriteLine("| scenario | per second | bytes allocated each | of a publication |\n|---|---:|---:|---:|");
        foreach (Scenario scenario in s_scenarios.Where(scenario => Regex.IsMatch(scenario.Name, only)))
            right &= await RunAsync(scenario, port, stop);
        return right ? 0 : 1;
    }

    private async Task<bool> RunAsync(Scenario scenario, int port, CancellationToken stop)
    {
        using var sampled = types ? new AllocatedTypes() : null;
        var counts = new List<(long At, long Bytes)>(capacity: 4096);
        Task<Reading> load = new Generator(generator, cores: Environment.ProcessorCount > 1 ? "1" : "0").RunAsync(
            port, Environment.ProcessId, scenario.Name, scenario.Arguments(Load.Dialects.Centrifuge, new Pace(WarmSeconds, seconds)),
                TimeSpan.FromMinutes(3), stop);
        using var step = new PeriodicTimer(s_step);
        while (await Task.WhenAny(load, step.WaitForNextTickAsync(stop).AsTask()) != load)
        {
            counts.Add((Stopwatch.GetTimestamp(), GC.GetTotalAllocatedBytes(precise: true)));
        }

        Reading reading = await load;
        long end = Stopwatch.GetTimestamp();
        if (scenario.Fault(reading) is { } fault) Console.WriteLine($"{scenario.Name}: {fault}");

        var inside = counts.Where(count => Stopwatch.GetElapsedTime(count.At, end) is var before
            && before > s_margin && before < TimeSpan.FromSeconds(seconds)).ToArray();
        double bytesASecond = (inside[^1].Bytes - inside[0].Bytes) / Stopwatch.GetElapsedTime(inside[0].At, inside[^1].At).TotalSeconds;
        Console.WriteLine(scenario is FanOutScenario fanOut
            ? Row(scenario.Name, reading["deliv_s"], bytesASecond, bytesASecond / (reading["deliv_s"] / fanOut.Subscribers))
            : Row(scenario.Name, reading["msgs_s"], bytesASecond, double.NaN));
        sampled?.Print(Console.Out);
        return scenario.Fault(reading) is null;
    }

    private static string Row(string name, double rate, double bytesASecond, double perPublication) => string.Create(
        CultureInfo.InvariantCulture,
        $"| {name} | {rate:N0} | {bytesASecond / rate:0.00} | "
            + $"{(double.IsNaN(perPublication) ? "" : perPublication.ToString("N0", CultureInfo.InvariantCulture))} |");
}
