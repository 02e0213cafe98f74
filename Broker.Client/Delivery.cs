namespace Broker.Client;

/// <summary>What may be missing before a delivery.</summary>
public enum Gap
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Something: the connection was lost, and the hub could not say that nothing was published meanwhile.</summary>
    Possible,

    /// <summary>Something for certain: <see cref="Delivery.Missed"/> is how many, as far as it is known.</summary>
    Certain,
}

/// <summary>One publication of a channel.</summary>
/// <param name="Channel">The channel.</param>
/// <param name="Offset">Its place in the channel, from 1; 0 where the channel counts none.</param>
/// <param name="Data">What was published. Owned by the reader.</param>
/// <param name="GapBefore">Whether there were others between this one and the one read before.</param>
/// <param name="Missed">How many others, as far as that is known.</param>
public sealed record Delivery(string Channel, ulong Offset, ReadOnlyMemory<byte> Data, Gap GapBefore, ulong Missed);

/// <summary>What came of a publication.</summary>
/// <param name="Offset">Its place in the channel, from 1; 0 where the channel counts none.</param>
/// <param name="Receivers">Subscribers that it was sent to.</param>
public readonly record struct PublishReceipt(ulong Offset, int Receivers);

/// <summary>How far a large payload has come.</summary>
/// <param name="Bytes">Bytes so far.</param>
/// <param name="Total">Bytes of the whole, or -1 while unknown.</param>
public readonly record struct TransferProgress(long Bytes, long Total);
