namespace Broker.Actors.Routing;

/// <summary>How the publications of a turn stand on the wire for a client.</summary>
public enum WireFormat
{
    /// <summary>Lines of JSON in one text frame.</summary>
    Json,

    /// <summary>Native messages, concatenated in one binary frame: <c>v3.broker</c>.</summary>
    Batched,

    /// <summary>Native messages, each in a binary frame of its own: <c>v2.broker</c>.</summary>
    Unbatched,
}
