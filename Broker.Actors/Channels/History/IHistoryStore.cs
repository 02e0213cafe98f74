using Broker.Actors.Model;

namespace Broker.Actors.Channels.History;

/// <summary>The histories of the channels of one home: their positions and their newest publications.</summary>
/// <remarks>
/// <para>
/// For one thread, that of the home, which is the only one that appends to these channels. A call may complete later, on any thread.
/// Appends to one channel may overlap: they take their offsets in the order of the calls, and complete in that order. The home reads and
/// removes only while no append to that channel is pending, and appends only while neither of those is.
/// </para>
/// <para>
/// Expiry is exact for the requester: after the TTL a read gives no publications, after the meta TTL it gives a new epoch, whether or not a
/// <see cref="Sweep"/> came by in between. The sweep only frees memory or disk.
/// </para>
/// <para>
/// A call that fails completes with an exception; the home answers the command with error 100 and goes on, or with 111 and the exception's
/// text for a <see cref="HistoryRejectedException"/>: the store has no room now. A store that has found a
/// channel's record damaged gives that channel a new epoch, and says so in its log: never an epoch with wrong publications.
/// </para>
/// </remarks>
public interface IHistoryStore : IDisposable
{
    /// <summary>What it means when an append has completed.</summary>
    HistoryPromise Promise { get; }

    /// <summary>Appends a publication to a channel whose history is on, at the next offset.</summary>
    /// <param name="channel">The channel; it begins with offset 1 of a new epoch if it is not known.</param>
    /// <param name="append">The publication without its offset, and the keys that may suppress it. Owned by the store from here on.</param>
    /// <param name="options">What is kept; the same instance for all channels of a namespace.</param>
    /// <returns>The position, and whether the publication has been added. Completes once <see cref="Promise"/> holds.</returns>
    ValueTask<AppendResult> AppendAsync(string channel, in HistoryAppend append, HistoryOptions options);

    /// <summary>Reads a channel's position and publications. A channel that is not known begins with it: offset 0 of a new epoch.</summary>
    /// <param name="channel">The channel.</param>
    /// <param name="query">What is wanted.</param>
    /// <param name="options">As for the append. Where history is off, the position still is given, and no publications.</param>
    ValueTask<HistoryPage> ReadAsync(string channel, HistoryQuery query, HistoryOptions options);

    /// <summary>Removes all publications of a channel. Its position stays.</summary>
    ValueTask RemoveAsync(string channel);

    /// <summary>Says which channels have subscribers: a store that is out of room drops the positions of others first.</summary>
    /// <param name="isInUse">Asked on the home's thread, in a call of the store.</param>
    void WatchUse(Func<string, bool> isInUse)
    {
    }

    /// <summary>Frees what has expired.</summary>
    /// <param name="channelsMax">Channels looked at, at most: the call runs in the home's turn.</param>
    /// <returns>Whether more may have expired, so that it should be called again soon.</returns>
    bool Sweep(int channelsMax);
}

/// <summary>What a completed append outlives.</summary>
public enum HistoryPromise
{
    /// <summary>Nothing: it is in the memory of this process.</summary>
    Memory,

    /// <summary>The end of this process.</summary>
    Process,

    /// <summary>The end of this machine's power.</summary>
    Machine,
}

/// <summary>Makes the store of each home.</summary>
public interface IHistoryStoreFactory
{
    /// <summary>
    /// Opens the store of one home. Another number of homes than last time is allowed: channels are then others' to serve.
    /// </summary>
    /// <param name="home">The home's number.</param>
    /// <param name="homes">How many homes there are.</param>
    IHistoryStore Open(int home, int homes);
}
