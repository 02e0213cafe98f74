using System.Security.Cryptography;

namespace Broker.Actors.Routing;

/// <summary>Gives channels the numbers under which native clients know them, each to one channel of the whole hub.</summary>
/// <remarks>
/// Asked by all homes at once, and it outlives them: a home that starts anew gives no number twice, so an eviction that is
/// still on its way cannot be taken for another channel's. After 2^32 channels the numbers begin again.
/// </remarks>
public sealed class ChannelNumbers
{
    private readonly ulong _run = (ulong)(uint)RandomNumberGenerator.GetInt32(int.MinValue, int.MaxValue) << 32;
    private uint _last;

    /// <summary>The place of a channel that begins: a number that is not 0, an epoch that no other channel of any run is likely to have, and no publication yet.</summary>
    public ChannelPlace Next()
    {
        uint number;
        do number = Interlocked.Increment(ref _last);
        while (number == 0);
        return new ChannelPlace(number, _run | number, Offset: 0);
    }
}

/// <summary>Where a channel stands.</summary>
/// <param name="Number">Stands for the channel while somebody listens; not 0.</param>
/// <param name="Epoch">Another one whenever offsets begin again.</param>
/// <param name="Offset">Of the newest publication; 0 before the first.</param>
public readonly record struct ChannelPlace(uint Number, ulong Epoch, ulong Offset);
