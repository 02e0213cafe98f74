using Broker.Actors.Model;

namespace Broker.Actors.Channels.History;

/// <summary>One channel in memory: its position and its newest publications, oldest first.</summary>
/// <remarks>
/// Lean, as there are very many with one publication or none: the ring has one place first, and grows by doubling. Offsets are contiguous,
/// so the place in the ring gives a publication's offset.
/// </remarks>
internal sealed class ChannelLog(string name, HistoryGroup group)
{
    /// <summary>What one costs beside its publications: itself, its name, its entry in the table.</summary>
    internal const int BytesEach = 240;

    private Publication[]? _ring;           // From the first publication on.
    private int _first;

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

    internal ref readonly Publication this[int index] => ref _ring![(_first + index) % _ring.Length];

    /// <summary>Adds a publication, which has the top's offset already, and removes the oldest beyond the size.</summary>
    internal void Add(in Publication publication, int size)
    {
        while (Count >= size) RemoveFirst();
        if (_ring is null || Count == _ring.Length) Grow(size);
        _ring![(_first + Count) % _ring.Length] = publication;
        Count++;
        Bytes += CostOf(publication);
    }

    private void Grow(int size)
    {
        var larger = new Publication[Math.Min(size, Count < 2 ? Count + 1 : Count * 2)];
        for (int i = 0; i < Count; i++) larger[i] = this[i];
        _first = 0;
        _ring = larger;
    }

    internal void RemoveFirst()
    {
        Bytes -= CostOf(this[0]);
        Count--;
        _ring![_first] = default;
        _first = (_first + 1) % _ring.Length;
    }

    internal void Clear()
    {
        _ring = null;
        _first = Count = Bytes = 0;
    }

    private static int CostOf(in Publication publication) =>
        112 + publication.Data.Length + (publication.Extras is { } extras ? 64 + 128 * (extras.Tags.Count + extras.Headers.Count) : 0);
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

    internal bool IsEvicted(ChannelLog log, long now) => now - log.TouchedAt >= MetaTtlMilliseconds;
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
