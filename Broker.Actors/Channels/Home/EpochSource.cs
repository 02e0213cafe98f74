using System.Security.Cryptography;

namespace Broker.Actors.Channels.Home;

/// <summary>Gives channels their epochs: never 0, and one that no other channel of any run is likely to have. From any thread.</summary>
public sealed class EpochSource
{
    private readonly ulong _run = (ulong)(uint)RandomNumberGenerator.GetInt32(1, int.MaxValue) << 32;
    private uint _last;

    /// <summary>The epoch of a channel that begins.</summary>
    public ulong Next() => _run | Interlocked.Increment(ref _last);
}
