namespace Broker.Actors.Model;

/// <summary>How a publication is to be taken by the channel's home.</summary>
public sealed record PublishOptions
{
    /// <summary>As any other.</summary>
    public static PublishOptions None { get; } = new();

    /// <summary>
    /// A second publication with the same key within the home's memory of keys is answered like the first, and not sent; empty for none.
    /// </summary>
    public string IdempotencyKey { get; init; } = "";

    /// <summary>Of a state that is replaced: not sent if the channel has this version or a newer one; 0 for none.</summary>
    public ulong Version { get; init; }

    /// <summary>The life of the versions; empty where there is one.</summary>
    public string VersionEpoch { get; init; } = "";

    /// <summary>It may be sent as a delta of the one before.</summary>
    public bool UsesDelta { get; init; }

    /// <summary>It is not kept, and takes no offset.</summary>
    public bool SkipsHistory { get; init; }

    /// <summary>The client that is not sent it, by its id; empty for none.</summary>
    public string ExceptClient { get; init; } = "";
}
