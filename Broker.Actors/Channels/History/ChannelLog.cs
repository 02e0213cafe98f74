using Broker.Actors.Model;

namespace Broker.Actors.Channels.History;

/// <summary>One channel in memory: its position and its newest publications, oldest first.</summary>
/// <remarks>
/// Lean, as there are very many with one publication or none: a single publication stands in the field itself, several in a ring that grows
/// by doubling. Offsets are contiguous, so the place in the ring gives a publication's offset.
/// </remarks>
internal sealed class ChannelLog(string name, HistoryGroup group)
{
    /// <summary>What one costs beside its publications: itself, its name, its entry in the table.</summary>
    internal const int BytesEach = 240;

    private object? _kept;                  // Nothing, a Publication, or a ring of them.
    private int _first;                     // Of a ring.

    internal readonly string Name = name;
    internal readonly HistoryGroup Group = group;
    internal ChannelList? List;             // Of its group; and its neighbours there.
    internal ChannelLog? Previous, Next;
    internal ulong Epoch, Top;
    internal long TouchedAt;                // Milliseconds of the store's clock: the last publication or read.
    internal long AppendedAt;               // The last publication.
    internal VersionMark? Version;

    internal StreamPosition Position => new(Epoch, Top);

    internal int Count { get; private set; }

    internal int Bytes { get; private set; }

    /// <summary>The offset of the oldest publication kept; one more than the top if there is none.</summary>
    internal ulong FirstOffset => Top - (ulong)Count + 1;

    internal Publication this[int index] => _kept as Publication ?? ((Publication[])_kept!)[(_first + index) % ((Publication[])_kept).Length];

    /// <summary>Adds a publication, which has the top's offset already, and removes the oldest beyond the size.</summary>
    internal void Add(Publication publication, int size)
    {
        while (Count >= size) RemoveFirst();
        if (Count == 0)
        {
            _kept = publication;
        }
        else
        {
            Publication[] ring = GrownRing(size);
            ring[(_first + Count) % ring.Length] = publication;
        }

        Count++;
        Bytes += CostOf(publication);
    }

    private Publication[] GrownRing(int size)
    {
        if (_kept is Publication[] roomy && Count < roomy.Length) return roomy;
        var larger = new Publication[Math.Min(size, Math.Max(4, Count * 2))];
        for (int i = 0; i < Count; i++) larger[i] = this[i];
        _first = 0;
        _kept = larger;
        return larger;
    }

    internal void RemoveFirst()
    {
        Bytes -= CostOf(this[0]);
        Count--;
        if (_kept is Publication[] ring && Count > 0)
        {
            ring[_first] = null!;
            _first = (_first + 1) % ring.Length;
        }
        else
        {
            _kept = null;
            _first = 0;
        }
    }

    internal void Clear()
    {
        _kept = null;
        _first = Count = Bytes = 0;
    }

    private static int CostOf(Publication publication) => 144 + publication.Data.Length + (publication.Tags is null ? 0 : 128 * publication.Tags.All.Count);
}

/// <summary>The version that a channel's last publication had, where it had one.</summary>
internal sealed record VersionMark(ulong Version, string? Epoch)
{
    /// <summary>Whether a publication is to be suppressed: its version is not greater, and the epochs may be compared.</summary>
    internal bool Suppresses(ulong version, string? epoch) => version <= Version && (string.IsNullOrEmpty(epoch) || epoch == Epoch);
}

/// <summary>Channels with the same options, in two lists, each in the order in which its channels expire.</summary>
internal sealed class HistoryGroup(HistoryOptions options)
{
    internal readonly HistoryOptions Options = options;
    internal readonly long TtlMilliseconds = (long)options.Ttl.TotalMilliseconds;
    internal readonly long MetaTtlMilliseconds = (long)Math.Max(options.Ttl.TotalMilliseconds, options.MetaTtl.TotalMilliseconds);

    /// <summary>Channels with publications, the longest without a new one first.</summary>
    internal readonly ChannelList Kept = new();

    /// <summary>Channels with a position alone.</summary>
    internal readonly ChannelList Empty = new();

    internal bool ListIsExpired(ChannelLog log, long now) => log.Count > 0 && now - log.AppendedAt >= TtlMilliseconds;

    internal bool IsForgotten(ChannelLog log, long now) => now - log.TouchedAt >= MetaTtlMilliseconds;
}

/// <summary>A list through the channels themselves.</summary>
internal sealed class ChannelList
{
    private ChannelLog? _last;

    internal ChannelLog? First { get; private set; }

    /// <summary>Puts a channel at the end, out of the list that it stands in.</summary>
    internal void Append(ChannelLog log)
    {
        log.List?.Remove(log);
        log.List = this;
        log.Previous = _last;
        log.Next = null;
        if (_last is null) First = log;
        else _last.Next = log;
        _last = log;
    }

    internal void Remove(ChannelLog log)
    {
        if (log.Previous is null) First = log.Next;
        else log.Previous.Next = log.Next;
        if (log.Next is null) _last = log.Previous;
        else log.Next.Previous = log.Previous;
        log.List = null;
        log.Previous = log.Next = null;
    }
}
