using System.Runtime.InteropServices;
using ILogger = Serilog.ILogger;

namespace Broker.Host.Composition;

/// <summary>
/// Handles signals: the first SIGTERM, SIGINT or SIGQUIT asks the process to stop, a second one stops it at once. SIGHUP reads the settings
/// again.
/// </summary>
/// <param name="lifetime">What is asked to stop.</param>
/// <param name="exit">Ends the process with a code.</param>
/// <param name="reload">Reads the settings again.</param>
/// <param name="log">Where a signal is noted.</param>
public sealed class SignalLifetime(IHostApplicationLifetime lifetime, Action<int> exit, Action reload, ILogger log) : IHostLifetime,
    IDisposable
{
    private static readonly PosixSignal[] s_handled = [PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGHUP];

    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _signals;

    /// <inheritdoc/>
    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        _registrations.AddRange(s_handled.Select(signal => PosixSignalRegistration.Create(signal, Handle)));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Takes one signal.</summary>
    public void Handle(PosixSignalContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Cancel = true;
        if (context.Signal == PosixSignal.SIGHUP)
        {
            reload();
            return;
        }

        if (Interlocked.Increment(ref _signals) == 1)
        {
            log.Information("{Signal}: stopping; once more stops at once", context.Signal);
            lifetime.StopApplication();
            return;
        }

        // What a shell says of a process that a signal ended: 128 and the signal's number.
        exit(128 + NumberOf(context.Signal));
    }

    private static int NumberOf(PosixSignal signal) => signal switch
    {
        PosixSignal.SIGINT => 2,
        PosixSignal.SIGQUIT => 3,
        _ => 15,
    };

    /// <inheritdoc/>
    public void Dispose() => _registrations.ForEach(each => each.Dispose());
}
