using Broker.Actors.Model;

namespace Broker.Actors.Channels.History;

/// <summary>What a client that comes back is given.</summary>
public enum RecoveryMode
{
    /// <summary>Everything that it missed, or the word that it cannot be told.</summary>
    Stream,

    /// <summary>The newest publication alone: it stands for all before it.</summary>
    Cache,
}

/// <summary>What is answered to a subscribe that asks for what was published since a position.</summary>
/// <param name="IsRecovered">Nothing is missing.</param>
/// <param name="Publications">What was missed, oldest first; none if not recovered.</param>
/// <param name="Position">
/// The position to tell: recovered, the one asked for, from which the client goes on by the publications; otherwise the channel's own.
/// </param>
public readonly record struct RecoveryResult(bool IsRecovered, IReadOnlyList<Publication> Publications, StreamPosition Position);

/// <summary>Decides whether a client can be given what it missed. Pure.</summary>
public static class Recovery
{
    /// <summary>What is to be read before the decision.</summary>
    /// <param name="mode">The namespace's.</param>
    /// <param name="since">The client's last position; epoch 0 if it names none.</param>
    /// <param name="limit">Publications that are recovered, at most.</param>
    public static HistoryQuery QueryFor(RecoveryMode mode, StreamPosition since, int limit) => mode == RecoveryMode.Cache
        ? new HistoryQuery(null, Limit: 1, Reverse: true)
        : new HistoryQuery(since with { Epoch = StreamEpoch.None }, limit);

    /// <summary>Decides.</summary>
    /// <param name="mode">The namespace's.</param>
    /// <param name="since">The client's last position; epoch 0 if it names none.</param>
    /// <param name="read">What <see cref="QueryFor"/> has given.</param>
    public static RecoveryResult Decide(RecoveryMode mode, StreamPosition since, HistoryPage read)
    {
        ArgumentNullException.ThrowIfNull(read);
        bool isRecovered = mode == RecoveryMode.Cache ? CacheIsRecovered(since, read) : StreamIsRecovered(since, read);
        if (!isRecovered) return new RecoveryResult(false, [], read.Top);
        bool hasAll = mode == RecoveryMode.Cache && IsAt(since, read.Top);
        return new RecoveryResult(true, hasAll ? [] : read.Publications, read.Top with { Offset = since.Offset });
    }

    // Either nothing was published since, or what was begins right behind the position and reaches the top.
    private static bool StreamIsRecovered(StreamPosition since, HistoryPage read)
    {
        if (since.Epoch != StreamEpoch.None && since.Epoch != read.Top.Epoch) return false;
        return read.Publications is { Count: > 0 } missed
            ? missed[0].Offset == since.Offset + 1 && missed[^1].Offset == read.Top.Offset
            : since.Offset == read.Top.Offset;
    }

    private static bool CacheIsRecovered(StreamPosition since, HistoryPage read) =>
        IsAt(since, read.Top) || (read.Publications is { Count: > 0 } newest && newest[0].Offset == read.Top.Offset);

    private static bool IsAt(StreamPosition since, StreamPosition top) => since.Offset > 0 && since == top;
}
