namespace Broker.Actors.Routing;

/// <summary>Bounds of routing.</summary>
public sealed record RoutingSettings
{
    /// <summary>Bytes of publications that may be on their way to one loop; above, publishers wait for their replies.</summary>
    public int LoopBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>Bytes of one channel's batch; a turn that publishes more sends several.</summary>
    public int BatchBytesMax { get; init; } = 64 * 1024;
}
