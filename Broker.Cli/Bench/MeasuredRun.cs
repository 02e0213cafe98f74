using System.Diagnostics;

namespace Broker.Cli.Bench;

/// <summary>The phases of a run: it opens, warms up, is measured, and what is under way at the end still arrives.</summary>
/// <param name="Warm">How long it runs before it is measured.</param>
/// <param name="Length">How long it is measured; <c>null</c>: until all that was asked for has arrived.</param>
internal sealed record MeasuredRun(TimeSpan Warm, TimeSpan? Length)
{
    // Nothing more is waited for once nothing has come for so long; for less once something is known to be wrong.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10), s_patienceOnFailure = TimeSpan.FromSeconds(1), s_glance =
        TimeSpan.FromMilliseconds(250);

    /// <summary>Runs all of it.</summary>
    /// <returns>What was measured; nothing if the run was stopped while it opened.</returns>
    /// <exception cref="BenchException">A connection did not open.</exception>
    public async Task<Measured> RunAsync(ILoad load, LoadMeter meter, RunControl control)
    {
        try
        {
            await load.OpenAsync().ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (control.Stopping.IsCancellationRequested)
        {
            return Measured.Nothing(meter.Read());
        }

        Task work = load.RunAsync();
        if (Warm > TimeSpan.Zero)
        {
            control.Enter(new RunPhase("warming up", Warm));
            await Task.WhenAny(work, control.WaitAsync(Warm)).ConfigureAwait(false);
            meter.Restart();
        }

        control.Enter(new RunPhase("measuring", Length));
        long start = Stopwatch.GetTimestamp();
        TimeSpan processor = Environment.CpuUsage.TotalTime;
        if (Length is { } length) await Task.WhenAny(work, control.WaitAsync(length)).ConfigureAwait(false);
        else await SettleAsync(work, meter, control).ConfigureAwait(false);
        TimeSpan took = Stopwatch.GetElapsedTime(start);
        Latencies latencies = meter.Read();
        double share = (Environment.CpuUsage.TotalTime - processor) / took / Environment.ProcessorCount;

        control.Stop();
        control.Enter(new RunPhase("waiting for what is under way (Ctrl-C: no longer)"));
        await SettleAsync(work, meter, control).ConfigureAwait(false);
        return new Measured(took, latencies, share, load.Count());
    }

    private static async Task SettleAsync(Task work, LoadMeter meter, RunControl control)
    {
        long arrived = -1, moved = Stopwatch.GetTimestamp();
        while (!work.IsCompleted && Stopwatch.GetElapsedTime(moved) < (control.Failure is null ? s_patience : s_patienceOnFailure))
        {
            await Task.WhenAny(work, Task.Delay(s_glance)).ConfigureAwait(false);
            long count = meter.Read().Count;
            if (count != arrived) (arrived, moved) = (count, Stopwatch.GetTimestamp());
        }

        if (!work.IsCompleted) control.Abort();
        await work.ConfigureAwait(false);
    }
}

/// <summary>What was measured.</summary>
/// <param name="Took">How long was measured.</param>
/// <param name="Latencies">Of what arrived in that time.</param>
/// <param name="ProcessorShare">How much of this machine's processors this process took in that time, 0 to 1.</param>
/// <param name="Tally">What became of all messages.</param>
internal sealed record Measured(TimeSpan Took, Latencies Latencies, double ProcessorShare, Tally Tally)
{
    /// <summary>Of a run that was stopped before it sent.</summary>
    public static Measured Nothing(Latencies none) => new(TimeSpan.Zero, none, 0, default);
}
