using Broker.Actors.Model;

namespace Broker.Actors.Channels.History;

/// <summary>Histories in the memory of this process. Every call completes at once.</summary>
/// <remarks>
/// Over the process-wide budget it sheds, in this order: lists that have expired; then the lists of its channels that have been without a
/// publication the longest, whole; then all but the newest publication of the channel that is published to. Positions stay, but hold a
/// quarter of the budget at most: beyond it those of channels without publications and without subscribers are dropped, the longest
/// untouched first, and begin again in another epoch. Either way a client that comes back is told that it could not recover, and never
/// less.
/// </remarks>
public sealed partial class MemoryHistoryStore : IHistoryStore
{
    private const int ShedPerAppendMax = 64;

    private readonly TimeProvider _time;
    private readonly HistoryBudget _budget;
    private readonly long _started;
    private readonly Dictionary<string, ChannelLog> _channels = new(StringComparer.Ordinal);
    private readonly Dictionary<HistoryOptions, HistoryGroup> _groups = new(ReferenceEqualityComparer.Instance);
    private readonly IdempotencyTable<StreamPosition> _answers;
    private Func<string, bool> _isInUse = static _ => false;
    private long _bytes;
    private long _positionBytes;        // Of these, what channels cost without their publications.

    /// <summary>Makes the store of one home.</summary>
    public MemoryHistoryStore(TimeProvider time, HistoryBudget budget)
    {
        ArgumentNullException.ThrowIfNull(time);
        ArgumentNullException.ThrowIfNull(budget);
        _time = time;
        _budget = budget;
        _started = time.GetTimestamp();
        _answers = new IdempotencyTable<StreamPosition>(time);
    }

    /// <inheritdoc />
    public HistoryPromise Promise => HistoryPromise.Memory;

    /// <summary>Channels with a position.</summary>
    public int Channels => _channels.Count;

    private long Now => (long)_time.GetElapsedTime(_started).TotalMilliseconds;

    /// <inheritdoc />
    public void WatchUse(Func<string, bool> isInUse)
    {
        ArgumentNullException.ThrowIfNull(isInUse);
        _isInUse = isInUse;
    }

    /// <inheritdoc />
    public ValueTask<AppendResult> AppendAsync(string channel, in HistoryAppend append, HistoryOptions options) =>
        new(Append(channel, append, options));

    /// <inheritdoc />
    public ValueTask<HistoryPage> ReadAsync(string channel, HistoryQuery query, HistoryOptions options) =>
        new(Read(channel, query, options));

    /// <inheritdoc />
    public ValueTask RemoveAsync(string channel)
    {
        if (_channels.TryGetValue(channel, out ChannelLog? log)) Empty(log);
        return default;
    }

    /// <summary>As <see cref="AppendAsync"/>.</summary>
    public AppendResult Append(string channel, in HistoryAppend append, HistoryOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!options.IsOn) throw new ArgumentException("History is off.", nameof(options));
        if (append.IdempotencyKey is { } key && _answers.TryGet(channel, key, out StreamPosition first))
            return new AppendResult(first, AppendOutcome.DuplicateKey);

        ChannelLog log = Find(channel, options);
        if (append.Publication.Extras?.Version is > 0 and var version)
        {
            if (log.Version?.Suppresses(version, append.VersionEpoch) == true)
                return new AppendResult(log.Position, AppendOutcome.StaleVersion);
            log.Version = new VersionMark(version, append.VersionEpoch);
        }
        else
        {
            log.Version = null;
        }

        int bytesBefore = log.Bytes;
        Publication added = append.Publication with { Offset = ++log.Top };
        log.Add(added, options.Size);
        Count(log.Bytes - bytesBefore);
        log.TouchedAt = log.AppendedAt = Now;
        log.Group.Kept.Append(log);
        if (_budget.IsExceeded) Shed(log);
        if (append.IdempotencyKey is not null) _answers.Add(channel, append.IdempotencyKey, log.Position, append.IdempotencyTtl);
        return new AppendResult(log.Position, AppendOutcome.Added, added);
    }

    /// <summary>As <see cref="ReadAsync"/>.</summary>
    public HistoryPage Read(string channel, HistoryQuery query, HistoryOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        ChannelLog log = Find(channel, options);
        log.TouchedAt = Now;
        if (log.Count == 0) log.Group.Empty.Append(log);
        if (query.Since is { Epoch: not StreamEpoch.None } since && since.Epoch != log.Epoch)
            return new HistoryPage(log.Position, []) { IsForeignEpoch = true };
        return new HistoryPage(log.Position, query.Reverse ? ReadBackward(log, query) : ReadForward(log, query));
    }

    private static Publication[] ReadForward(ChannelLog log, HistoryQuery query)
    {
        ulong after = query.Since?.Offset ?? 0;
        int skip = after < log.FirstOffset ? 0 : (int)Math.Min((ulong)log.Count, after - log.FirstOffset + 1);
        return Take(log, query.Limit, log.Count - skip, i => skip + i);
    }

    // From an offset whose predecessor is gone there is nothing to go back to.
    private static Publication[] ReadBackward(ChannelLog log, HistoryQuery query)
    {
        ulong before = query.Since?.Offset ?? log.Top + 1;
        int newest = before > log.Top ? log.Count - 1 : before <= log.FirstOffset ? -1 : (int)(before - log.FirstOffset) - 1;
        return Take(log, query.Limit, newest + 1, i => newest - i);
    }

    private static Publication[] Take(ChannelLog log, int limit, int available, Func<int, int> indexOf)
    {
        int count = limit < 0 ? available : Math.Min(limit, available);
        if (count <= 0) return [];
        var taken = new Publication[count];
        for (int i = 0; i < count; i++) taken[i] = log[indexOf(i)];
        return taken;
    }

    /// <inheritdoc />
    public bool Sweep(int channelsMax)
    {
        long now = Now;
        bool more = _answers.Sweep(channelsMax);
        foreach (HistoryGroup group in _groups.Values)
        {
            while (channelsMax > 0 && group.Kept.First is { } oldest && group.ListIsExpired(oldest, now))
            {
                Empty(oldest);
                channelsMax--;
            }

            while (channelsMax > 0 && group.Empty.First is { } idle && group.IsEvicted(idle, now))
            {
                Evict(idle);
                channelsMax--;
            }
        }

        return more || channelsMax <= 0;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _budget.AddPositions(-_positionBytes);
        _budget.Add(-_bytes);
        _bytes = _positionBytes = 0;
        _channels.Clear();
        _groups.Clear();
    }

    // The channel as it stands now: what has expired is gone, and what is not known begins.
    private ChannelLog Find(string channel, HistoryOptions options)
    {
        if (_channels.TryGetValue(channel, out ChannelLog? log))
        {
            long now = Now;
            if (!log.Group.IsEvicted(log, now))
            {
                if (!ReferenceEquals(log.Group.Options, options)) return Regroup(log, options);
                if (log.Group.ListIsExpired(log, now)) Empty(log);
                return log;
            }

            Evict(log);
        }

        return Begin(new ChannelLog(channel, GroupOf(options)) { Epoch = StreamEpoch.Next(), TouchedAt = Now });
    }

    private ChannelLog Begin(ChannelLog log)
    {
        _channels[log.Name] = log;
        log.Group.Empty.Append(log);
        CountPosition(log.OwnBytes);
        if (_budget.ArePositionsExceeded) ShedPositions(log);
        return log;
    }

    // The options of its namespace have been changed: the position goes on, and of its publications what the new ones keep.
    private ChannelLog Regroup(ChannelLog log, HistoryOptions options)
    {
        var anew = new ChannelLog(log.Name, GroupOf(options))
            { Epoch = log.Epoch, Top = log.Top, TouchedAt = log.TouchedAt, AppendedAt = log.AppendedAt, Version = log.Version };
        for (int i = Math.Max(0, log.Count - options.Size); options.IsOn && i < log.Count; i++) anew.Add(log[i], options.Size);
        Evict(log);
        Begin(anew);
        Count(anew.Bytes);
        if (anew.Count > 0) anew.Group.Kept.Append(anew);
        if (anew.Group.ListIsExpired(anew, Now)) Empty(anew);
        return anew;
    }

    private HistoryGroup GroupOf(HistoryOptions options)
    {
        if (!_groups.TryGetValue(options, out HistoryGroup? group)) _groups.Add(options, group = new HistoryGroup(options));
        return group;
    }

    // A name alone costs memory for as long as its position is kept, and a client may name as many channels as it likes.
    private void ShedPositions(ChannelLog begun)
    {
        for (int i = 0; i < ShedPerAppendMax && _budget.ArePositionsExceeded; i++)
        {
            ChannelLog? oldest =
                _groups.Values.Select(static group => group.Empty.First).Where(log => log is not null && log != begun)
                    .MinBy(static log => log!.TouchedAt);
            if (oldest is null) return;
            if (!_isInUse(oldest.Name)) Evict(oldest);
            else oldest.Group.Empty.Append(Touched(oldest));
        }
    }

    private ChannelLog Touched(ChannelLog log)
    {
        log.TouchedAt = Now;
        return log;
    }

    private void Shed(ChannelLog published)
    {
        for (int i = 0; i < ShedPerAppendMax && _budget.IsExceeded; i++)
        {
            ChannelLog? oldest =
                _groups.Values.Select(static group => group.Kept.First).Where(log => log is not null && log != published)
                    .MinBy(static log => log!.AppendedAt);
            if (oldest is null) break;
            Empty(oldest);
        }

        int before = published.Bytes;
        while (_budget.IsExceeded && published.Count > 1)
        {
            published.RemoveFirst();
            Count(published.Bytes - before);
            before = published.Bytes;
        }
    }

    private void Empty(ChannelLog log)
    {
        if (log.Count == 0) return;
        Count(-log.Bytes);
        log.Clear();
        log.Group.Empty.Append(log);
    }

    private void Evict(ChannelLog log)
    {
        log.List!.Remove(log);
        _channels.Remove(log.Name);
        Count(-log.Bytes);
        CountPosition(-log.OwnBytes);
    }

    private void CountPosition(long bytes)
    {
        _positionBytes += bytes;
        _budget.AddPositions(bytes);
        Count(bytes);
    }

    private void Count(long bytes)
    {
        _bytes += bytes;
        _budget.Add(bytes);
    }
}

/// <summary>Makes histories in memory, all under one budget.</summary>
public sealed class MemoryHistoryStores(TimeProvider time, HistoryBudget budget) : IHistoryStoreFactory
{
    /// <inheritdoc />
    public IHistoryStore Open(int home, int homes) => new MemoryHistoryStore(time, budget);
}
