namespace Broker.Actors.Channels.Delivery;

/// <summary>Bounds of the way of publications.</summary>
public sealed record ChannelSettings
{
    /// <summary>Bytes of publications that may be on their way to one loop; above, publishers wait for their replies.</summary>
    public int LoopBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>Bytes of one channel's batch; a turn that publishes more sends several.</summary>
    public int BatchBytesMax { get; init; } = 64 * 1024;

    /// <summary>The longest data that JSON clients are sent; in its place they are asked to subscribe again.</summary>
    public int LineBytesMax { get; init; } = 512 * 1024;
}
