using Broker.Cluster.Protocol.Members;
using Broker.Cluster.Protocol.Placement;

namespace Broker.Cluster.Homes;

/// <summary>Who is the home of one partition.</summary>
/// <param name="Term">Counts the changes of the home; the higher one holds. 0: no one has been the home yet.</param>
/// <param name="Home">The member.</param>
/// <param name="Move">The number of the move that made it the home, with all that the former home had; 0 if it began with nothing.</param>
public readonly record struct HomeEntry(ulong Term, MemberId Home, ulong Move)
{
    /// <summary>Whether this entry takes the place of another.</summary>
    internal bool Replaces(HomeEntry other) => Term != other.Term ? Term > other.Term : Home > other.Home;
}

/// <summary>Which member is the home of each partition. Every node has the whole table, and all tables become equal.</summary>
/// <remarks>
/// Merging takes the higher term, so entries may come late, repeatedly and in any order. A home hands a partition over to another member
/// with the next term (<see cref="TryGive"/>). Where the home is no member any more, the member that ranks first takes the partition with
/// the next term, and begins with nothing (<see cref="Claim"/>). For one thread; <see cref="Entries"/> is a copy that never changes.
/// </remarks>
/// <param name="partitions">How many partitions there are.</param>
public sealed class HomeTable(int partitions)
{
    private HomeEntry[] _entries = new HomeEntry[partitions];

    /// <summary>All entries, by partition.</summary>
    public IReadOnlyList<HomeEntry> Entries => _entries;

    /// <summary>Takes what another node knows.</summary>
    /// <returns>The partitions whose entry has changed.</returns>
    public IReadOnlyList<int> Merge(IEnumerable<KeyValuePair<int, HomeEntry>> entries)
    {
        ArgumentNullException.ThrowIfNull(entries);
        return Write(entries.Where(each => each.Key < _entries.Length && each.Value.Replaces(_entries[each.Key])));
    }

    /// <summary>Takes the partitions without a home that this member ranks first for.</summary>
    /// <param name="map">The ranks of the members now.</param>
    /// <param name="self">This member.</param>
    /// <returns>The partitions whose entry has changed.</returns>
    public IReadOnlyList<int> Claim(PartitionMap map, MemberId self)
    {
        ArgumentNullException.ThrowIfNull(map);
        List<KeyValuePair<int, HomeEntry>> claimed = [];
        for (int partition = 0; partition < _entries.Length; partition++)
        {
            HomeEntry known = _entries[partition];
            if (map.View.Contains(known.Home) || map.KeptHome(partition)?.Id != self) continue;
            claimed.Add(new(partition, new HomeEntry(known.Term + 1, self, Move: 0)));
        }

        return Write(claimed);
    }

    /// <summary>Makes another member the home of a partition that this one is the home of.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="self">This member.</param>
    /// <param name="next">The other one, which has been given everything.</param>
    /// <param name="move">The number under which it was.</param>
    /// <returns>False if this member is not the home.</returns>
    public bool TryGive(int partition, MemberId self, MemberId next, ulong move)
    {
        HomeEntry known = _entries[partition];
        return known.Home == self && Write([new(partition, new HomeEntry(known.Term + 1, next, move))]).Count > 0;
    }

    /// <summary>Forgets everything: the node is in no cluster.</summary>
    public void Clear() => _entries = new HomeEntry[_entries.Length];

    private List<int> Write(IEnumerable<KeyValuePair<int, HomeEntry>> entries)
    {
        List<int> changed = [];
        HomeEntry[]? anew = null;
        foreach ((int partition, HomeEntry entry) in entries)
        {
            anew ??= [.. _entries];
            if (!entry.Replaces(anew[partition])) continue;
            anew[partition] = entry;
            changed.Add(partition);
        }

        if (changed.Count > 0) _entries = anew!;
        return changed;
    }
}
