namespace Broker.Client;

/// <summary>What one call may take, and who is told how far it has come.</summary>
/// <remarks>Progress is reported on the connection's own loops: it must not wait.</remarks>
public readonly record struct CallSettings
{
    /// <summary>How long the caller waits; the hub is told. None leaves it to the hub.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Gets how many bytes of the arguments have been sent.</summary>
    public IProgress<TransferProgress>? Upload { get; init; }

    /// <summary>Gets how many bytes of a result that comes in chunks have arrived.</summary>
    public IProgress<TransferProgress>? Download { get; init; }
}
