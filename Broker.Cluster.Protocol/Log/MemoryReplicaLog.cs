using Broker.Cluster.Protocol.Register;

namespace Broker.Cluster.Protocol.Log;

/// <summary>A partition's replica in memory.</summary>
public sealed class MemoryReplicaLog : IReplicaLog
{
    private readonly Queue<(string Channel, string Key, ulong Sequence)> _keyOrder = new();
    private Dictionary<string, ReplicaChannel> _channels = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public Term Promised { get; private set; }

    /// <inheritdoc/>
    public Term LogTerm { get; private set; }

    /// <inheritdoc/>
    public Term Lineage { get; private set; }

    /// <inheritdoc/>
    public ulong Sequence { get; private set; }

    /// <inheritdoc/>
    public ulong Generation { get; private set; }

    /// <inheritdoc/>
    public ulong OldestKey => _keyOrder.TryPeek(out (string Channel, string Key, ulong Sequence) oldest) ? oldest.Sequence : 0;

    /// <inheritdoc/>
    public RegisterRecord Record { get; private set; } = RegisterRecord.Empty;

    /// <summary>Channels that have a position.</summary>
    public int Channels => _channels.Count;

    /// <summary>What channels, publications and keys take in memory, roughly.</summary>
    public long Bytes { get; private set; }

    /// <summary>The names of the channels that have a position; not to be kept over a change.</summary>
    public IEnumerable<string> Names => _channels.Keys;

    /// <summary>What a channel takes in memory, roughly.</summary>
    public int BytesOf(string channel) => _channels.TryGetValue(channel, out ReplicaChannel? known) ? known.Bytes : 0;

    /// <summary>The newest publication that a channel keeps, acknowledged or not; null for none.</summary>
    public LogEntry? Newest(string channel) => _channels.TryGetValue(channel, out ReplicaChannel? known) ? known.Newest : null;

    /// <inheritdoc/>
    public void Promise(Term term) => Promised = Term.Max(Promised, term);

    /// <inheritdoc/>
    public void Remember(RegisterRecord record) => Record = Record.Merge(record);

    /// <inheritdoc/>
    public void Begin(Term term)
    {
        Clear();
        (Lineage, LogTerm, Sequence) = (term, term, 0);
    }

    /// <inheritdoc/>
    public void Adopt(Term term) => LogTerm = term;

    /// <inheritdoc/>
    public void Install(Term term, LogSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        Clear();
        foreach (LogEntry entry in snapshot.Entries) Apply(entry, isSnapshot: true);
        (Lineage, LogTerm, Sequence) = (snapshot.Lineage, term, snapshot.Sequence);
    }

    /// <inheritdoc/>
    public void Append(LogEntry entry)
    {
        ArgumentNullException.ThrowIfNull(entry);
        if (entry.Sequence != Sequence + 1)
            throw new ArgumentException($"Entry {entry.Sequence} does not follow {Sequence}.", nameof(entry));
        Sequence = entry.Sequence;
        Apply(entry, isSnapshot: false);
    }

    /// <inheritdoc/>
    public LogSnapshot Snapshot()
    {
        var entries = new List<LogEntry>();
        if (Generation > 0) entries.Add(new LogEntry(LogEntryKind.Evict, Generation, "", Epoch: 0, Offset: 0));
        foreach ((string name, ReplicaChannel channel) in _channels)
        {
            entries.Add(new LogEntry(LogEntryKind.Head, Sequence, name, channel.Epoch, channel.Top));
            entries.AddRange(channel.Kept);
        }

        foreach ((string name, string key, ulong sequence) in _keyOrder)
        {
            if (!_channels.TryGetValue(name, out ReplicaChannel? channel) || channel.FindKey(key) is not { } known
                || known.Sequence != sequence) continue;
            entries.Add(new LogEntry(LogEntryKind.Key, sequence, name, known.Position.Epoch, known.Position.Offset) { Key = key });
        }

        return new LogSnapshot(Lineage, Sequence, entries);
    }

    /// <inheritdoc/>
    public ChannelPosition Top(string channel) => _channels.TryGetValue(channel, out ReplicaChannel? known)
        ? new ChannelPosition(known.Epoch, known.Top)
        : new ChannelPosition(ChannelEpochs.Of(Lineage, Generation), Offset: 0);

    /// <inheritdoc/>
    public KeyedPosition? FindKey(string channel, string key) =>
        key.Length > 0 && _channels.TryGetValue(channel, out ReplicaChannel? known) && known.FindKey(key) is { } position ? position : null;

    /// <inheritdoc/>
    public IReadOnlyList<LogEntry> Read(string channel, ulong after, ulong sequenceMax, int limit)
    {
        var found = new List<LogEntry>();
        if (!_channels.TryGetValue(channel, out ReplicaChannel? known)) return found;
        foreach (LogEntry entry in known.Kept)
        {
            if (entry.Sequence > sequenceMax || found.Count >= limit) break;
            if (entry.Offset > after) found.Add(entry);
        }

        return found;
    }

    // In a snapshot the keys have entries of their own, in the order in which they expire.
    private void Apply(LogEntry entry, bool isSnapshot)
    {
        if (entry.Kind == LogEntryKind.ExpireKeys)
        {
            ExpireKeys(entry.Offset);
            return;
        }

        if (entry.Kind == LogEntryKind.Evict)
        {
            if (_channels.Remove(entry.Channel, out ReplicaChannel? ended)) Bytes -= ended.Bytes;
            Generation = entry.Sequence;
            return;
        }

        if (!_channels.TryGetValue(entry.Channel, out ReplicaChannel? channel) || channel.Epoch != entry.Epoch)
        {
            if (entry.Kind is LogEntryKind.Trim or LogEntryKind.Key) return;
            if (channel is not null) Bytes -= channel.Bytes;
            _channels[entry.Channel] = channel = new ReplicaChannel(entry.Epoch, entry.Kind == LogEntryKind.Head ? entry.Offset : 0);
            Bytes += channel.Bytes;
        }

        int before = channel.Bytes;
        switch (entry.Kind)
        {
            case LogEntryKind.Publication:
                channel.Add(entry);
                if (entry.Key.Length > 0 && !isSnapshot) AddKey(channel, entry);
                break;
            case LogEntryKind.Trim:
                channel.Trim(entry.Offset);
                break;
            case LogEntryKind.Key:
                AddKey(channel, entry);
                break;
            default:
                break;
        }

        Bytes += channel.Bytes - before;
    }

    private void AddKey(ReplicaChannel channel, LogEntry entry)
    {
        channel.SetKey(entry.Key, new KeyedPosition(new ChannelPosition(entry.Epoch, entry.Offset), entry.Sequence));
        _keyOrder.Enqueue((entry.Channel, entry.Key, entry.Sequence));
    }

    private void ExpireKeys(ulong sequence)
    {
        while (_keyOrder.TryPeek(out (string Channel, string Key, ulong Sequence) oldest) && oldest.Sequence <= sequence)
        {
            _keyOrder.Dequeue();
            if (_channels.TryGetValue(oldest.Channel, out ReplicaChannel? channel) && channel.FindKey(oldest.Key) is { } known
                && known.Sequence == oldest.Sequence)
            {
                int before = channel.Bytes;
                channel.RemoveKey(oldest.Key);
                Bytes += channel.Bytes - before;
            }
        }
    }

    private void Clear()
    {
        _channels = new Dictionary<string, ReplicaChannel>(StringComparer.Ordinal);
        _keyOrder.Clear();
        Generation = 0;
        Bytes = 0;
    }
}
