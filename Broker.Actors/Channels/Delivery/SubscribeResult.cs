using Broker.Actors.Model;

namespace Broker.Actors.Channels.Delivery;

/// <summary>
/// The answer to a subscribe: written in the order of the channel's publications, so that nothing falls between it and the first delivery.
/// </summary>
public readonly record struct SubscribeResult
{
    /// <summary>The channel's number on this node; not 0.</summary>
    public uint Number { get; init; }

    /// <summary>The channel's newest position; the first delivery is the next one.</summary>
    public StreamPosition Position { get; init; }

    /// <summary>The position is watched for gaps.</summary>
    public bool Positioned { get; init; }

    /// <summary>The client may recover after a lost connection.</summary>
    public bool Recoverable { get; init; }

    /// <summary>The client has asked to recover.</summary>
    public bool WasRecovering { get; init; }

    /// <summary>Nothing is missing: <see cref="Missed"/> is all that was published since the client's position.</summary>
    public bool Recovered { get; init; }

    /// <summary>What was published since the client's position, oldest first; null for nothing.</summary>
    public IReadOnlyList<Publication>? Missed { get; init; }

    /// <summary>The delta that the client is sent; empty for none.</summary>
    public string? Delta { get; init; }

    /// <summary>Data for the client.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>
    /// Until the subscription expires unless the client refreshes it; null for never, or where the client has nothing to do for it.
    /// </summary>
    public TimeSpan? TimeLeft { get; init; }
}
