namespace Broker.Actors.Channels.SlowConsumers;

/// <summary>What happens to a subscriber that takes publications more slowly than they come.</summary>
public enum SlowConsumerPolicy
{
    /// <summary>It is disconnected with 3008 at the bound of its queue; it comes back, and recovers what the history has.</summary>
    Disconnect,

    /// <summary>The oldest publications that wait for it are dropped: it gets the newest ones.</summary>
    DropOldest,

    /// <summary>The newest publications are dropped: it gets those that waited first.</summary>
    DropNewest,

    /// <summary>
    /// Of the publications that wait for it, one with a key replaces the one before it with the same key; of the rest the oldest are
    /// dropped.
    /// </summary>
    KeepLatest,
}

/// <summary>When a connection counts as slow. Pure.</summary>
/// <remarks>
/// It becomes slow at a quarter of what its queue may hold, so that replies and other channels still pass; and is so until the queue is
/// nearly empty.
/// </remarks>
public static class SlowConsumerRule
{
    /// <summary>Whether a subscriber is slow from now on, or still.</summary>
    /// <param name="wasSlow">Whether it was.</param>
    /// <param name="queuedBytes">Bytes that wait for the socket.</param>
    /// <param name="queueBytesMax">The bound at which it would be disconnected.</param>
    public static bool IsSlow(bool wasSlow, long queuedBytes, long queueBytesMax) =>
        queuedBytes > (wasSlow ? queueBytesMax / 16 : queueBytesMax / 4);
}
