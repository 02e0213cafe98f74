namespace Broker.Client;

/// <summary>The deadline of one call, and its progress reports.</summary>
/// <remarks>Progress is reported on the connection's own loops: it must not wait.</remarks>
public readonly record struct CallSettings
{
    /// <summary>How long the caller waits; sent to the hub. Null: the hub's own limit holds.</summary>
    public TimeSpan? Deadline { get; init; }

    /// <summary>Gets how many bytes of the arguments have been sent.</summary>
    public IProgress<TransferProgress>? Upload { get; init; }

    /// <summary>Gets how many bytes of a result that comes in chunks have arrived.</summary>
    public IProgress<TransferProgress>? Download { get; init; }
}
