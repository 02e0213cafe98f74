using System.Diagnostics;
using System.Globalization;
using Broker.Cli.Terminal;
using Spectre.Console;

namespace Broker.Cli.Bench;

/// <summary>Tells on standard error, where a person looks, how a run goes: its phase, its connections, and the last half second.</summary>
/// <param name="unit">What is counted.</param>
/// <param name="meter">Counts it.</param>
/// <param name="control">Knows the phase.</param>
internal sealed class LiveView(string unit, LoadMeter meter, RunControl control)
{
    private static readonly TimeSpan s_glance = TimeSpan.FromMilliseconds(500);

    private long _read = Stopwatch.GetTimestamp(), _total;
    private Latencies _before = meter.Read();
    private int _restarts;

    /// <summary>Runs work, and shows how it goes while it runs.</summary>
    public Task<T> RunAsync<T>(Streams streams, Func<Task<T>> work)
    {
        if (!streams.ShowsProgress) return work();
        return AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(streams.Error) })
            .Live(new Text(Line()))
            .AutoClear(true)
            .StartAsync(async view =>
            {
                view.Refresh();
                Task<T> running = work();
                using var glances = new PeriodicTimer(s_glance);
                while (await Task.WhenAny(running, glances.WaitForNextTickAsync().AsTask()).ConfigureAwait(false) != running)
                    view.UpdateTarget(new Text(Line()));
                return await running.ConfigureAwait(false);
            });
    }

    /// <summary>Reads the meter: what came since the last time, and how it stands.</summary>
    public string Line()
    {
        long total = meter.Total;
        int restarts = meter.Restarts;
        Latencies now = meter.Read(), last = restarts == _restarts ? now.Since(_before) : now;
        double perSecond = (total - _total) / Stopwatch.GetElapsedTime(_read).TotalSeconds;
        (_before, _total, _restarts, _read) = (now, total, restarts, Stopwatch.GetTimestamp());

        string line = string.Create(CultureInfo.InvariantCulture, $"{control.Phase} | {meter.Open:n0} open");
        return last.Count == 0 ? line
            : line + string.Create(
            CultureInfo.InvariantCulture, $" | {perSecond:n0} {unit}/s, p99 {BenchReport.TextOf(last.Quantile(0.99))}");
    }
}
