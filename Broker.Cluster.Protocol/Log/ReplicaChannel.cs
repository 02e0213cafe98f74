namespace Broker.Cluster.Protocol.Log;

/// <summary>One channel in a replica: its newest position and the publications that it keeps.</summary>
internal sealed class ReplicaChannel(ulong epoch, ulong top)
{
    private const int ObjectBytes = 240, EntryBytes = 120, KeyBytes = 160;    // Roughly, with their places in tables.

    private readonly Queue<LogEntry> _kept = new();
    private LogEntry? _newest;
    private Dictionary<string, KeyedPosition>? _keys;      // Null until the first key.

    internal ulong Epoch => epoch;

    internal ulong Top { get; private set; } = top;

    internal IReadOnlyCollection<LogEntry> Kept => _kept;

    /// <summary>The last of those that are kept.</summary>
    internal LogEntry? Newest => _kept.Count > 0 ? _newest : null;

    /// <summary>What it takes in memory, roughly.</summary>
    internal int Bytes { get; private set; } = ObjectBytes;

    internal KeyedPosition? FindKey(string key) => _keys is not null && _keys.TryGetValue(key, out KeyedPosition known) ? known : null;

    internal void SetKey(string key, KeyedPosition position)
    {
        _keys ??= new(StringComparer.Ordinal);
        if (_keys.TryAdd(key, position)) Bytes += KeyBytes + (2 * key.Length);
        else _keys[key] = position;
    }

    internal void RemoveKey(string key)
    {
        if (_keys?.Remove(key) == true) Bytes -= KeyBytes + (2 * key.Length);
    }

    internal void Add(LogEntry entry)
    {
        if (entry.Offset > Top) Top = entry.Offset;
        _kept.Enqueue(entry);
        _newest = entry;
        Bytes += EntryBytes + entry.Data.Length;
        while (entry.KeepMax > 0 && _kept.Count > entry.KeepMax) RemoveOldest();
    }

    internal void Trim(ulong offset)
    {
        while (_kept.TryPeek(out LogEntry? oldest) && oldest.Offset <= offset) RemoveOldest();
    }

    private void RemoveOldest() => Bytes -= EntryBytes + _kept.Dequeue().Data.Length;
}
