using System.Collections;
using System.Globalization;
using Broker.Host.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using ILogger = Serilog.ILogger;

namespace Broker.Host.Composition;

/// <summary>
/// Tells systemd when the hub serves and when it stops (sd_notify(3)), and resets its watchdog while every event loop still turns.
/// </summary>
/// <remarks>A loop that hangs sends no reset, so that systemd restarts the process. Without systemd it does nothing.</remarks>
/// <param name="hub">Whose loops must turn. It has started when this service is told so.</param>
/// <param name="notifier">The way to systemd.</param>
/// <param name="watchdog">How long systemd waits for a reset; none if it does not watch.</param>
/// <param name="time">When the next reset is due.</param>
/// <param name="log">Where a loop that hangs is noted.</param>
public sealed class ServiceManager(IHub hub, ISystemdNotifier notifier, TimeSpan? watchdog, TimeProvider time, ILogger log)
    : IHostedLifecycleService, IDisposable
{
    private static readonly ServiceState s_alive = new("WATCHDOG=1");

    private ITimer? _timer;
    private Task _turn = Task.CompletedTask;

    /// <summary>How long systemd waits for a reset of this process's watchdog (sd_watchdog_enabled(3)).</summary>
    /// <param name="environment">The variables of the process.</param>
    /// <param name="processId">Its id: the variables may be meant for a parent.</param>
    /// <returns>None if it does not watch.</returns>
    public static TimeSpan? WatchdogOf(IDictionary environment, int processId)
    {
        ArgumentNullException.ThrowIfNull(environment);
        string id = processId.ToString(CultureInfo.InvariantCulture);
        if (environment["WATCHDOG_PID"] is string meant && meant != id) return null;
        string? limit = environment["WATCHDOG_USEC"] as string;
        return long.TryParse(limit, CultureInfo.InvariantCulture, out long microseconds) && microseconds > 0
            ? TimeSpan.FromMicroseconds(microseconds)
            : null;
    }

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        if (!notifier.IsEnabled) return Task.CompletedTask;
        notifier.Notify(ServiceState.Ready);
        if (watchdog is { } limit) _timer = time.CreateTimer(_ => Look(limit), state: null, TimeSpan.Zero, limit / 3);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken)
    {
        if (notifier.IsEnabled) notifier.Notify(ServiceState.Stopping);
        return Task.CompletedTask;
    }

    // One question at a time: a loop that hangs is not asked again and again.
    private void Look(TimeSpan limit)
    {
        if (!_turn.IsCompleted)
        {
            log.Error("An event loop has not turned for {Time}; systemd restarts the process after {Limit}", limit / 3, limit);
            return;
        }

        _turn = ResetAsync();
    }

    private async Task ResetAsync()
    {
        await hub.TurnAsync().ConfigureAwait(false);
        notifier.Notify(s_alive);
    }

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public void Dispose() => _timer?.Dispose();
}
