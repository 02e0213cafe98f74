using Broker.Actors.Model;

namespace Broker.Actors.Channels.History;

/// <summary>
/// Keeps the publications of a channel that arrive while a subscriber's history is being read, and joins both: each offset once, in order.
/// </summary>
/// <remarks>Needed where the read takes time: in a store on disk, or in a home on another node. For one thread.</remarks>
public sealed class RecoveryMerge
{
    private readonly List<Publication> _arrived = [];

    /// <summary>Publications that have arrived meanwhile.</summary>
    public int Count => _arrived.Count;

    /// <summary>Bytes of data that they hold.</summary>
    public long Bytes { get; private set; }

    /// <summary>A publication has arrived.</summary>
    public void Add(in Publication publication)
    {
        _arrived.Add(publication);
        Bytes += publication.Data.Length;
    }

    /// <summary>Joins what was recovered with what arrived.</summary>
    /// <param name="recovered">Publications of the answer; none if the client did not recover.</param>
    /// <param name="from">The position that the first of them follows: the client's if it recovered, otherwise the channel's as it was read.</param>
    /// <param name="mode">In cache mode only the newest of all is given.</param>
    /// <param name="joined">All of them, by offset; or empty.</param>
    /// <param name="last">The offset of the last one, or that of <paramref name="from"/>.</param>
    /// <returns>False if an offset between is missing: the client has to be told that its state is insufficient.</returns>
    public bool TryJoin(IReadOnlyList<Publication> recovered, ulong from, RecoveryMode mode, out IReadOnlyList<Publication> joined, out ulong last)
    {
        ArgumentNullException.ThrowIfNull(recovered);
        var all = new List<Publication>(recovered.Count + _arrived.Count);
        last = from;
        foreach (Publication publication in recovered.Concat(_arrived.OrderBy(static each => each.Offset)))
        {
            if (publication.Offset <= last) continue;
            bool follows = publication.Offset == last + 1 || (mode == RecoveryMode.Cache && all.Count == 0);
            if (!follows)
            {
                joined = [];
                return false;
            }

            all.Add(publication);
            last = publication.Offset;
        }

        joined = mode == RecoveryMode.Cache && all.Count > 1 ? [all[^1]] : all;
        return true;
    }
}
