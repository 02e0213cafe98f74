using Broker.Actors.Model;

namespace Broker.Actors.Api;

/// <summary>What a server publishes.</summary>
/// <param name="Data">Any bytes; not to be changed afterwards.</param>
public sealed record PublishRequest(ReadOnlyMemory<byte> Data)
{
    /// <summary>Whether the data is one JSON value for sure; otherwise JSON clients get it as base64 if it turns out to be none.</summary>
    public bool IsJson { get; init; }

    /// <summary>Its tags, which filters look at.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Tags { get; init; } = [];

    /// <summary>Does not add it to the history, and gives it no offset.</summary>
    public bool SkipHistory { get; init; }

    /// <summary>Asks for a delta against the publication before it, also where the namespace does not make deltas by itself.</summary>
    public bool Delta { get; init; }

    /// <summary>
    /// A second publication with the same key within five minutes is answered as the first one and not sent; at most 128 characters; null
    /// for none.
    /// </summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Not added, and not sent, unless greater than the channel's last version; 0 for none. Needs history.</summary>
    public ulong Version { get; init; }

    /// <summary>Versions of different epochs are not compared; null for none.</summary>
    public string? VersionEpoch { get; init; }

    /// <summary>Under the policy <c>keep-latest</c>, what it replaces for a slow subscriber; null for none.</summary>
    public string? Key { get; init; }
}

/// <summary>Answer to a publication.</summary>
/// <param name="Position">Where it stands; epoch and offset 0 where the channel keeps no history, or it was skipped.</param>
/// <param name="Receivers">Subscribers that it is sent to, before filters; 0 for one that was suppressed.</param>
/// <param name="Suppressed">Not sent, as its key or its version was known.</param>
public readonly record struct PublishAnswer(StreamPosition Position, int Receivers, bool Suppressed = false);

/// <summary>Answer for one channel of a broadcast.</summary>
/// <param name="Answer">Answer; only without an error.</param>
/// <param name="Error">Why not, or null.</param>
public readonly record struct BroadcastAnswer(PublishAnswer Answer, HubError? Error);
