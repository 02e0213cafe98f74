using System.Runtime.InteropServices;

namespace Broker.Cli.Terminal;

/// <summary>
/// SIGINT and SIGTERM while a command runs: the first ones are answered by the command, and the next one ends the process at once, whatever
/// it waits for.
/// </summary>
internal sealed class CommandSignals : IDisposable
{
    private readonly Action<int> _exit;
    private readonly Action[] _answers;
    private readonly PosixSignalRegistration[] _registrations;
    private int _received;

    /// <summary>Starts to listen.</summary>
    /// <param name="answers">
    /// What the command does with the first signal, the second one, and so on; on a thread of the pool, must not wait.
    /// </param>
    public CommandSignals(params Action[] answers)
        : this(Environment.Exit, answers)
    {
    }

    /// <summary>Starts to listen, with another end of the process.</summary>
    internal CommandSignals(Action<int> exit, Action[] answers)
    {
        _exit = exit;
        _answers = answers;
        _registrations =
            [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations) registration.Dispose();
    }

    /// <summary>Takes one signal.</summary>
    internal void Handle(PosixSignalContext signal)
    {
        signal.Cancel = true;
        int before = Interlocked.Increment(ref _received) - 1;
        if (before < _answers.Length) _answers[before]();
        else _exit(ExitCode.Interrupted);
    }
}
