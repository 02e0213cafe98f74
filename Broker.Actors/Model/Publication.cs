namespace Broker.Actors.Model;

/// <summary>One publication of a channel, in no dialect. Never changed: it is kept, shared between threads and sent to other nodes.</summary>
public sealed record Publication
{
    /// <summary>The data, any bytes; owned by the publication.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>Whether the data is one JSON value for sure; otherwise nobody has looked.</summary>
    public bool IsJson { get; init; }

    /// <summary>Its place in the channel's history, from 1; 0 where the channel keeps none.</summary>
    public ulong Offset { get; init; }

    /// <summary>Who published; null for the server.</summary>
    public ClientInfo? Info { get; init; }

    /// <summary>Its tags, or null.</summary>
    public PublicationTags? Tags { get; init; }

    /// <summary>When the hub took it: milliseconds since 1970, UTC; 0 where nobody noted it.</summary>
    public long TimeMilliseconds { get; init; }

    /// <summary>The application's version of what it describes; 0 for none.</summary>
    public ulong Version { get; init; }

    /// <summary>What it replaces: under the policy <c>keep-latest</c> the newest one of a key stands for those before it. Null for none.</summary>
    public string? Key { get; init; }
}
