using Broker.Host.Commands.Client;
using Spectre.Console;

namespace Broker.Host.Bench;

/// <summary>Tells on standard error, once a second and where somebody looks, how a run goes.</summary>
internal static class LiveView
{
    /// <summary>Runs work, and shows its meter while it runs.</summary>
    public static Task<T> RunAsync<T>(Streams streams, LoadMeter meter, Func<Task<T>> work)
    {
        if (!streams.ShowsProgress) return work();
        return AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(streams.Error) })
            .Live(new Text("opening"))
            .AutoClear(true)
            .StartAsync(async view =>
            {
                Task<T> running = work();
                using var second = new PeriodicTimer(TimeSpan.FromSeconds(1));
                Latencies before = meter.Read();
                while (await Task.WhenAny(running, second.WaitForNextTickAsync().AsTask()).ConfigureAwait(false) != running)
                {
                    Latencies now = meter.Read();
                    Latencies last = now.Count >= before.Count ? now.Since(before) : now;       // It restarts after the warm-up.
                    view.UpdateTarget(new Text($"{meter.Open:n0} connections, {last.Count:n0} messages/s, p99 {BenchReport.TextOf(last.Quantile(0.99))}"));
                    before = now;
                }

                return await running.ConfigureAwait(false);
            });
    }
}
