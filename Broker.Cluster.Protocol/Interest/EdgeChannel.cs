using Broker.Cluster.Protocol.Log;

namespace Broker.Cluster.Protocol.Interest;

/// <summary>Where an edge stands with a channel that has listeners on this node.</summary>
internal enum EdgeState
{
    /// <summary>The home is asked, or not known, or has no lane.</summary>
    Asked,

    /// <summary>The home sends every publication.</summary>
    Listening,

    /// <summary>No listener is left; the home is notified after a while.</summary>
    Lingering,
}

/// <summary>One channel at an edge: what the home was asked, how far the listeners are, and which subscribers wait for an answer.</summary>
/// <param name="name">The channel.</param>
/// <param name="partition">Its partition.</param>
internal sealed class EdgeChannel(string name, int partition)
{
    internal string Name => name;

    internal int Partition => partition;

    internal EdgeState State { get; set; }

    internal int Listeners { get; set; }

    /// <summary>The last publication that the listeners were given; null until the home has answered once.</summary>
    internal ChannelPosition? Position { get; set; }

    /// <summary>Of the <c>Listen</c> that brings the channel up to date; 0 if none is under way.</summary>
    internal ulong Number { get; set; }

    internal TimeSpan AskedAt { get; set; }

    internal TimeSpan LingersUntil { get; set; }

    /// <summary>Subscribers that wait: the number of their <c>Listen</c>, what they ask for, and since when.</summary>
    internal List<(ulong Number, ulong Request, ChannelPosition? After, TimeSpan AskedAt)> Waiting { get; } = [];
}
