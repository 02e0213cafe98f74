namespace Broker.Cluster.Protocol.Log;

/// <summary>One channel in a replica: its newest position and the publications that it keeps.</summary>
internal sealed class ReplicaChannel(ulong epoch, ulong top)
{
    private readonly Queue<LogEntry> _kept = new();
    private Dictionary<string, KeyedPosition>? _keys;      // Null until the first key.

    internal ulong Epoch => epoch;

    internal ulong Top { get; private set; } = top;

    internal IReadOnlyCollection<LogEntry> Kept => _kept;

    internal KeyedPosition? FindKey(string key) => _keys is not null && _keys.TryGetValue(key, out KeyedPosition known) ? known : null;

    internal void SetKey(string key, KeyedPosition position) => (_keys ??= new(StringComparer.Ordinal))[key] = position;

    internal void RemoveKey(string key) => _keys?.Remove(key);

    internal void Add(LogEntry entry)
    {
        if (entry.Offset > Top) Top = entry.Offset;
        _kept.Enqueue(entry);
        while (entry.KeepMax > 0 && _kept.Count > entry.KeepMax) _kept.Dequeue();
    }

    internal void Trim(ulong offset)
    {
        while (_kept.TryPeek(out LogEntry? oldest) && oldest.Offset <= offset) _kept.Dequeue();
    }
}
