using System.IO.Hashing;
using System.Runtime.InteropServices;

namespace Broker.Actors.Channels.Home;

/// <summary>
/// The channels of a partition that a node listens to and its clients there, as counts and combined hashes: two sides with equal digests
/// know the same. What is added twice is taken away.
/// </summary>
/// <param name="Channels">How many channels.</param>
/// <param name="ChannelsHash">XOR of XXH3-64 over their names in UTF-16.</param>
/// <param name="Members">How many clients in all of them.</param>
/// <param name="MembersHash">XOR over channel and client.</param>
public readonly record struct InterestDigest(int Channels, ulong ChannelsHash, int Members, ulong MembersHash)
{
    /// <summary>With a channel more.</summary>
    internal InterestDigest With(string channel) => this with { Channels = Channels + 1, ChannelsHash = ChannelsHash ^ HashOf(channel) };

    /// <summary>With a channel less.</summary>
    internal InterestDigest Without(string channel) => this with { Channels = Channels - 1, ChannelsHash = ChannelsHash ^ HashOf(channel) };

    /// <summary>With a client of a channel more.</summary>
    internal InterestDigest With(string channel, string client) =>
        this with { Members = Members + 1, MembersHash = MembersHash ^ HashOf(channel, client) };

    /// <summary>With a client of a channel less.</summary>
    internal InterestDigest Without(string channel, string client) =>
        this with { Members = Members - 1, MembersHash = MembersHash ^ HashOf(channel, client) };

    private static ulong HashOf(string text) => XxHash3.HashToUInt64(MemoryMarshal.AsBytes(text.AsSpan()));

    private static ulong HashOf(string channel, string client) => (HashOf(channel) * 0x9E3779B97F4A7C15) ^ HashOf(client);
}
