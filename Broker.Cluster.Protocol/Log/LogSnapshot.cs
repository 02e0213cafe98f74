using System.Collections.Immutable;
using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Log;

/// <summary>A partition's whole state at one sequence, as the entries that make it again out of nothing.</summary>
/// <param name="Lineage">Of the log.</param>
/// <param name="Sequence">Of the last entry that is in it.</param>
/// <param name="Entries">Each channel's head, its publications and its keys.</param>
public sealed record LogSnapshot(Term Lineage, ulong Sequence, IReadOnlyList<LogEntry> Entries)
{
    private ImmutableArray<int> _starts;

    /// <summary>The entries of one part of at most about so many bytes; empty behind the last.</summary>
    /// <param name="part">From 0.</param>
    /// <param name="bytesMax">The same in every call; an entry that is longer is a part of its own.</param>
    /// <param name="isLast">Whether no part follows.</param>
    public IReadOnlyList<LogEntry> Part(int part, int bytesMax, out bool isLast)
    {
        if (_starts.IsDefault) _starts = Cut(bytesMax);
        isLast = part >= _starts.Length - 1;
        if (part < 0 || part >= _starts.Length) return [];
        int end = isLast ? Entries.Count : _starts[part + 1];
        var entries = new List<LogEntry>(end - _starts[part]);
        for (int i = _starts[part]; i < end; i++) entries.Add(Entries[i]);
        return entries;
    }

    private ImmutableArray<int> Cut(int bytesMax)
    {
        ImmutableArray<int>.Builder starts = ImmutableArray.CreateBuilder<int>();
        starts.Add(0);
        int bytes = 0;
        for (int i = 0; i < Entries.Count; i++)
        {
            int next = Entries[i].Bytes;
            if (bytes > 0 && bytes + next > bytesMax)
            {
                starts.Add(i);
                bytes = 0;
            }

            bytes += next;
        }

        return starts.ToImmutable();
    }
}
