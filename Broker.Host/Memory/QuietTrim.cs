using System.Diagnostics;
using Broker.Core.Buffers;
using ILogger = Serilog.ILogger;

namespace Broker.Host.Memory;

/// <summary>What a process has used so far.</summary>
/// <param name="Processor">Processor time.</param>
/// <param name="AllocatedBytes">Bytes that were allocated.</param>
/// <param name="KeptBytes">Bytes of buffers that are kept for transfers and not in use.</param>
public readonly record struct UsedSoFar(TimeSpan Processor, long AllocatedBytes, long KeptBytes = 0)
{
    /// <summary>Of this process.</summary>
    public static UsedSoFar Now => new(Environment.CpuUsage.TotalTime, GC.GetTotalAllocatedBytes(), ProcessBuffers.Shared.KeptBytes);
}

/// <summary>
/// Returns the memory of a burst once the process has become quiet: else the garbage of ten thousand accepts stays resident
/// until something else allocates as much.
/// </summary>
/// <remarks>It collects and compacts everything, and all loops wait for it: so never under load, and once for each burst.</remarks>
/// <param name="interval">How long it has to be quiet; over 0.</param>
/// <param name="time">The clock.</param>
/// <param name="used">What the process has used.</param>
/// <param name="trim">Collects and returns.</param>
/// <param name="log">Is told at debug how long it took.</param>
public sealed class QuietTrim(TimeSpan interval, TimeProvider time, Func<UsedSoFar> used, Action trim, ILogger log) : IHostedService,
    IDisposable
{
    private TrimRule _rule;
    private ITimer? _timer;

    /// <summary>Collects everything, the kept buffers too, compacts it and gives the rest back to the system.</summary>
    public static void Collect()
    {
        ProcessBuffers.Shared.Trim();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = time.CreateTimer(static state => ((QuietTrim)state!).Look(), this, interval, interval);
        return Task.CompletedTask;
    }

    private void Look()
    {
        UsedSoFar now = used();
        if (!_rule.IsDue(interval, now.Processor, now.AllocatedBytes, now.KeptBytes)) return;
        long start = Stopwatch.GetTimestamp();
        trim();
        log.Debug("Gave memory back in {Milliseconds:F0} ms", Stopwatch.GetElapsedTime(start).TotalMilliseconds);
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();
}
