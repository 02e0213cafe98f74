using System.IO.Hashing;
using System.Runtime.InteropServices;
using Akka.Actor;

namespace Broker.Actors.Channels;

/// <summary>Which home a channel has. The same name has the same home for every session, by its hash alone.</summary>
public sealed class ChannelRoutes(IReadOnlyList<IActorRef> homes)
{
    /// <summary>The home of a channel.</summary>
    public IActorRef HomeOf(string channel) => homes[NumberOf(channel, homes.Count)];

    /// <summary>The number of a channel's home: XXH3-64 over the UTF-16 of its name, reduced to the count.</summary>
    public static int NumberOf(string channel, int count) =>
        count == 1 ? 0 : (int)(XxHash3.HashToUInt64(MemoryMarshal.AsBytes(channel.AsSpan())) % (uint)count);
}
