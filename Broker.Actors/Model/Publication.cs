using Broker.Core.Protocol.Transfers;

namespace Broker.Actors.Model;

/// <summary>One publication of a channel. Values only, so that it may travel between nodes.</summary>
public readonly record struct Publication
{
    /// <summary>The data; owned by the publication and never changed. Empty where <see cref="LongData"/> has it.</summary>
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>The data, where it is too long to be one piece. The one that passes the publication on says who holds it.</summary>
    public LongBytes? LongData { get; init; }

    /// <summary>Whether the data is one JSON value for sure; otherwise it may be any bytes.</summary>
    public bool IsJson { get; init; }

    /// <summary>Who published; null where an anonymous client did.</summary>
    public ClientInfo? Info { get; init; }

    /// <summary>What few publications have; null for none of it.</summary>
    public PublicationExtras? Extras { get; init; }

    /// <summary>Its place in the channel's epoch, from 1; 0 until the home has given it one, and where it takes none.</summary>
    public ulong Offset { get; init; }

    /// <summary>When the home took it, in milliseconds since 1970; 0 where it is not needed.</summary>
    public long TimeMilliseconds { get; init; }

    /// <summary>Bytes of the data, wherever they are.</summary>
    public long DataBytes => LongData?.Bytes ?? Data.Length;
}

/// <summary>What few publications have beside their data. Immutable.</summary>
public sealed record PublicationExtras
{
    /// <summary>Names and values that subscribers filter by and applications read.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Tags { get; init; } = [];

    /// <summary>Headers, for dialects that have them.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    /// <summary>The event's name, for dialects that have one; otherwise empty.</summary>
    public string EventName { get; init; } = "";

    /// <summary>The media type of the data; empty where it is not known.</summary>
    public string ContentType { get; init; } = "";

    /// <summary>Of a publication that replaces a state: its version; 0 for none.</summary>
    public ulong Version { get; init; }

    /// <summary>Of a publication that replaces another one for a slow subscriber: what it describes; otherwise empty.</summary>
    public string Key { get; init; } = "";
}
