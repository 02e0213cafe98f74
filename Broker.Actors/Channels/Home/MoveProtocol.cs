using Broker.Actors.Model;

namespace Broker.Actors.Channels.Home;

/// <summary>
/// What nodes tell each other when the home of a partition moves by plan. The home serves nothing of the partition while it sends all that
/// it has of it, piece by piece; the next home has to say of each piece that it has it. Then the home names the next one, to all nodes.
/// </summary>
/// <remarks>
/// <code>
/// home                                            next home
/// HANDOVER {move, pieces}                     →
///                                             ←   HANDED {move, piece}
/// MOVED, to every node that listens, behind the last publication
/// </code>
/// </remarks>
public static class MoveProtocol
{
    /// <summary>Home to next home: a piece of what it has of a partition.</summary>
    /// <param name="Move">The number of this attempt; another one takes its place.</param>
    /// <param name="Piece">Counts the pieces, from 0.</param>
    /// <param name="IsLast">Nothing follows.</param>
    /// <param name="Channels">Channels; one that was in the piece before goes on with further publications.</param>
    /// <param name="Answers">Answers to publications with keys.</param>
    public sealed record Handover(
        ulong Move, uint Piece, bool IsLast, IReadOnlyList<MovedChannel> Channels, IReadOnlyList<MovedAnswer> Answers);

    /// <summary>A channel that moves.</summary>
    /// <param name="Name">The channel.</param>
    /// <param name="Position">Its position.</param>
    public sealed record MovedChannel(string Name, StreamPosition Position)
    {
        /// <summary>Whether the store of histories knows it.</summary>
        public bool HasHistory { get; init; }

        /// <summary>How long ago it was published to or read.</summary>
        public TimeSpan Untouched { get; init; }

        /// <summary>How long ago it was published to.</summary>
        public TimeSpan Unpublished { get; init; }

        /// <summary>The version of its last publication; 0 for none.</summary>
        public ulong Version { get; init; }

        /// <summary>What versions may be compared with; null for all.</summary>
        public string? VersionEpoch { get; init; }

        /// <summary>What is kept, oldest first.</summary>
        public IReadOnlyList<Publication> Publications { get; init; } = [];

        /// <summary>The nodes that listen, with their clients that are there.</summary>
        public IReadOnlyList<MovedListener> Listeners { get; init; } = [];
    }

    /// <summary>A node that listens to a channel that moves.</summary>
    /// <param name="Node">Its name; empty for the home itself, and a dot for the next one.</param>
    /// <param name="Members">Its clients that are in the channel.</param>
    public sealed record MovedListener(string Node, IReadOnlyList<PresentClient> Members);

    /// <summary>An answer to a publication with a key.</summary>
    /// <param name="Channel">The channel.</param>
    /// <param name="Key">The key.</param>
    /// <param name="Position">What was answered.</param>
    /// <param name="Left">How long it is remembered still.</param>
    /// <param name="IsKept">Whether the channel has a history.</param>
    public readonly record struct MovedAnswer(string Channel, string Key, StreamPosition Position, TimeSpan Left, bool IsKept);

    /// <summary>Next home to home: it has a piece.</summary>
    /// <param name="Move">Of the attempt.</param>
    /// <param name="Piece">The piece.</param>
    public readonly record struct Handed(ulong Move, uint Piece);

    /// <summary>Home to a node that listens, behind all publications: another node is the home, or is about to be.</summary>
    public readonly record struct Moved;
}

/// <summary>A client of a node that is in a channel.</summary>
/// <param name="Member">The client.</param>
/// <param name="IsReported">Whether those who receive joins and leaves are told of it.</param>
public readonly record struct PresentClient(ClientInfo Member, bool IsReported);
