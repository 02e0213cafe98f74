namespace Broker.Cluster.Protocol.Copies;

/// <summary>The limits of the protocol between homes and replicas. Equal on every node.</summary>
public sealed record CopySettings
{
    /// <summary>Followers that hold each entry before it is acknowledged, if there are so many other members: 0, 1 or 2.</summary>
    public int Copies { get; init; } = 1;

    /// <summary>A follower that was not received for longer, or acknowledged nothing of what waits, is replaced.</summary>
    public TimeSpan SilentAfter { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>A home that has not received a majority of the members for longer acknowledges nothing and answers no reads.</summary>
    public TimeSpan MajorityAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// When all replicas are gone from the subscription: how long one of them may take to come back before a new lineage begins.
    /// </summary>
    public TimeSpan StoreReturn { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Who ranks first claims from a home that is a member if it has not received the home for longer.</summary>
    public TimeSpan TakeoverAfter { get; init; } = TimeSpan.FromSeconds(4);

    /// <summary>What was asked and not answered is asked again.</summary>
    public TimeSpan RepeatAfter { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>The shortest pause before a claim that failed is tried again; the longest is three times as long.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>A better set of replicas, or a better home, must be better for so long before it is made.</summary>
    public TimeSpan SettleAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>A home that handed over goes on itself if nothing has claimed after so long.</summary>
    public TimeSpan HandOverMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The size of a part of a state, in bytes.</summary>
    public int PartBytes { get; init; } = 256 * 1024;

    /// <summary>The entries of one append, in bytes.</summary>
    public int AppendBytes { get; init; } = 512 * 1024;

    /// <summary>Publications that wait at a home for their copies or for its right, in bytes; further ones are refused.</summary>
    public int WaitingBytesMax { get; init; } = 16 << 20;

    /// <summary>What may be left out in a test of the tests; nothing otherwise.</summary>
    internal CopyRules Broken { get; init; }
}
