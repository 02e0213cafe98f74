using System.Runtime.InteropServices;
using ILogger = Serilog.ILogger;

namespace Broker.Host.Composition;

/// <summary>Ends the process by signals: the first SIGTERM or SIGINT asks it to stop, a second one stops it at once.</summary>
/// <param name="lifetime">What is asked to stop.</param>
/// <param name="exit">Ends the process with a code.</param>
/// <param name="log">Where a signal is noted.</param>
public sealed class SignalLifetime(IHostApplicationLifetime lifetime, Action<int> exit, ILogger log) : IHostLifetime, IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _signals;

    /// <inheritdoc/>
    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle));
        _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle));
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Takes one signal.</summary>
    public void Handle(PosixSignalContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.Cancel = true;
        if (Interlocked.Increment(ref _signals) == 1)
        {
            log.Information("{Signal}: stopping; once more stops at once", context.Signal);
            lifetime.StopApplication();
            return;
        }

        // What a shell says of a process that a signal ended: 128 and the signal's number.
        exit(128 + (context.Signal == PosixSignal.SIGINT ? 2 : 15));
    }

    /// <inheritdoc/>
    public void Dispose() => _registrations.ForEach(each => each.Dispose());
}
