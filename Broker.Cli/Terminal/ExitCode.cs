namespace Broker.Cli.Terminal;

/// <summary>How a client's command ends.</summary>
public static class ExitCode
{
    /// <summary>Done.</summary>
    public const int Done = 0;

    /// <summary>The hub refused, or the call failed; standard error says why.</summary>
    public const int Failed = 1;

    /// <summary>The command line makes no sense.</summary>
    public const int Unusable = 2;

    /// <summary>There is no such key.</summary>
    public const int Missing = 3;

    /// <summary>The hub could not be reached, or the connection was lost.</summary>
    public const int Unreachable = 4;

    /// <summary>A fault of this program: what nothing has foreseen, reported in one line.</summary>
    public const int Broken = 70;

    /// <summary>Stopped by a signal, as a shell says it of the keyboard's.</summary>
    public const int Interrupted = 130;

    /// <summary>The one that read standard output has closed it, as a shell says it of SIGPIPE.</summary>
    public const int OutputClosed = 141;
}
