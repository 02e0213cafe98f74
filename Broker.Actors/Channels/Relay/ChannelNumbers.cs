namespace Broker.Actors.Channels.Relay;

/// <summary>
/// Gives channels the numbers under which clients of this node know them, each to one channel of the whole node. From any thread.
/// </summary>
/// <remarks>
/// It outlives the relays: one that is restarted gives no number twice, so an eviction that is still on its way cannot be taken
/// for another channel's. After 2^32 channels the numbers begin again.
/// </remarks>
public sealed class ChannelNumbers
{
    private uint _last;

    /// <summary>The number of a channel that begins; not 0.</summary>
    public uint Next()
    {
        uint number;
        do number = Interlocked.Increment(ref _last);
        while (number == 0);
        return number;
    }
}
