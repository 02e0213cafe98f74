using System.Collections.Frozen;

namespace Broker.Actors.Channels.Namespaces;

/// <summary>What is counted for each namespace.</summary>
public enum NamespaceCount
{
    /// <summary>Publications that were taken.</summary>
    Published,

    /// <summary>Publications that were not sent again: their idempotency key was known, or their version was not newer.</summary>
    Suppressed,

    /// <summary>Subscribers that came back and had missed nothing.</summary>
    RecoveredNothing,

    /// <summary>Subscribers that came back and were given what they had missed.</summary>
    Recovered,

    /// <summary>Subscribers that came back and were told that they could not recover.</summary>
    NotRecovered,

    /// <summary>Publications that subscribers were given as they came back.</summary>
    RecoveredPublications,

    /// <summary>Checks of a channel's position that found what was expected.</summary>
    PositionsKept,

    /// <summary>Checks of a channel's position that found something lost: its subscribers were asked to subscribe again.</summary>
    PositionsLost,
}

/// <summary>What one home counts by namespace: written by its thread alone, without a lock, and read from any.</summary>
public sealed class NamespaceCounters
{
    private const int Padding = 16;             // 128 bytes on either side: no other home writes to the same line of the processor's cache.

    private readonly FrozenDictionary<string, long[]> _counts;
    private readonly long[] _unknown = New();   // Of namespaces that are not configured; nothing reads it.
    private ChannelNamespace? _last;            // Most publications are of the namespace of the one before.
    private long[] _lastCounts = [];

    /// <summary>Counts from 0.</summary>
    /// <param name="namespaces">All that there are.</param>
    public NamespaceCounters(ChannelNamespaces namespaces)
    {
        ArgumentNullException.ThrowIfNull(namespaces);
        _counts = namespaces.Named.Append(namespaces.WithoutNamespace)
            .ToFrozenDictionary(static each => each.Name, static _ => New(), StringComparer.Ordinal);
    }

    /// <summary>Adds. On the home's thread.</summary>
    public void Add(ChannelNamespace of, NamespaceCount count, long by = 1)
    {
        ArgumentNullException.ThrowIfNull(of);
        if (!ReferenceEquals(of, _last)) (_last, _lastCounts) = (of, _counts.GetValueOrDefault(of.Name, _unknown));
        _lastCounts[Padding + (int)count] += by;
    }

    /// <summary>What has been counted. From any thread.</summary>
    /// <param name="name">Of a namespace that there is; empty for channels without one.</param>
    /// <param name="count">What.</param>
    public long Read(string name, NamespaceCount count) => Volatile.Read(ref _counts[name][Padding + (int)count]);

    private static long[] New() => new long[Padding + Enum.GetValues<NamespaceCount>().Length + Padding];
}
