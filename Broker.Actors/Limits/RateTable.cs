namespace Broker.Actors.Limits;

/// <summary>The rates of a scope, each with its room.</summary>
internal sealed class Rates
{
    private readonly TokenRate[] _rates;

    /// <summary>Takes what is set.</summary>
    /// <param name="settings">The rates.</param>
    /// <param name="resumeCommands">Commands that a client says at once when it comes back.</param>
    /// <param name="resumeBytes">Their bytes.</param>
    internal Rates(RateSettings settings, int resumeCommands, long resumeBytes)
    {
        _rates = new TokenRate[(int)LimitKind.Connects + 1];
        _rates[(int)LimitKind.Commands] = TokenRate.Of(settings.Commands, resumeCommands);
        _rates[(int)LimitKind.Publishes] = TokenRate.Of(settings.Publishes);
        _rates[(int)LimitKind.Subscribes] = TokenRate.Of(settings.Subscribes, resumeCommands);
        _rates[(int)LimitKind.Bytes] = TokenRate.Of(settings.Bytes, resumeBytes);
        _rates[(int)LimitKind.Connects] = TokenRate.Of((settings as SharedRateSettings)?.Connects ?? 0);
    }

    /// <summary>How many there are.</summary>
    internal int Count => _rates.Length;

    /// <summary>When the slowest is full again after it was empty, in milliseconds.</summary>
    internal long FillMilliseconds => _rates.Max(static rate => rate.FillMilliseconds);

    /// <summary>The rate of a kind.</summary>
    internal ref readonly TokenRate this[LimitKind kind] => ref _rates[(int)kind];
}

/// <summary>The buckets of one user or address, which connections on several loops share. From any thread.</summary>
/// <param name="rates">Of its scope.</param>
internal sealed class SharedBuckets(Rates rates)
{
    private readonly Lock _lock = new();
    private readonly TokenBucket[] _buckets = new TokenBucket[rates.Count];

    /// <summary>Connections that use it. Only under the lock of its table.</summary>
    internal int Users { get; set; }

    /// <summary>Takes tokens, if there are so many.</summary>
    internal bool TryTake(LimitKind kind, long tokens, long nowMilliseconds)
    {
        if (!rates[kind].IsOn) return true;
        lock (_lock) return _buckets[(int)kind].TryTake(rates[kind], tokens, nowMilliseconds);
    }

    /// <summary>How long until a token is there, in milliseconds.</summary>
    internal long MillisecondsToNext(LimitKind kind, long nowMilliseconds)
    {
        lock (_lock) return _buckets[(int)kind].MillisecondsToNext(rates[kind], nowMilliseconds);
    }
}

/// <summary>The buckets of all users, or of all addresses. From any thread.</summary>
/// <remarks>
/// Bounded: what a connection uses stays; what none uses is dropped once it is full again, as a new one would be the same, and beyond the
/// bound at once, the longest unused first. So to be dropped early takes as many other users or addresses as the bound.
/// </remarks>
/// <typeparam name="TKey">A user, or an address.</typeparam>
/// <param name="rates">Of the scope.</param>
/// <param name="unusedMax">Entries that are kept though no connection uses them.</param>
internal sealed class RateTable<TKey>(Rates rates, int unusedMax)
    where TKey : notnull
{
    private readonly Lock _lock = new();
    private readonly Dictionary<TKey, Entry> _entries = [];
    private readonly LinkedList<(TKey Key, long SinceMilliseconds)> _unused = new();     // The longest unused first.
    private readonly long _fillMilliseconds = rates.FillMilliseconds;

    private sealed record Entry(SharedBuckets Buckets)
    {
        internal LinkedListNode<(TKey Key, long SinceMilliseconds)>? Unused { get; set; }
    }

    /// <summary>Entries, used and unused.</summary>
    internal int Count
    {
        get
        {
            lock (_lock) return _entries.Count;
        }
    }

    /// <summary>The buckets of a key, in use until <see cref="Release"/>.</summary>
    internal SharedBuckets Acquire(TKey key)
    {
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out Entry? known)) _entries.Add(key, known = new Entry(new SharedBuckets(rates)));
            if (known.Unused is { } unused) _unused.Remove(unused);
            known.Unused = null;
            known.Buckets.Users++;
            return known.Buckets;
        }
    }

    /// <summary>A connection uses the buckets of a key no longer.</summary>
    internal void Release(TKey key, long nowMilliseconds)
    {
        lock (_lock)
        {
            Entry entry = _entries[key];
            if (--entry.Buckets.Users > 0) return;
            entry.Unused = _unused.AddLast((key, nowMilliseconds));
            while (_unused.First is { } first
                && (_unused.Count > unusedMax || nowMilliseconds - first.Value.SinceMilliseconds > _fillMilliseconds))
            {
                _entries.Remove(first.Value.Key);
                _unused.RemoveFirst();
            }
        }
    }
}
