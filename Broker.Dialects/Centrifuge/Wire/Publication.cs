namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>What goes out to each subscriber of a channel. All spans are borrowed, well-formed JSON.</summary>
public readonly ref struct Publication
{
    /// <summary>The payload, any JSON value; empty is written as null.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <summary>Who published, from <see cref="PublicationEncoder.EncodeInfo(string, string, ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>; empty is left out.</summary>
    public ReadOnlySpan<byte> Info { get; init; }

    /// <summary>Its place in the channel's stream, from 1; 0 is left out.</summary>
    public ulong Offset { get; init; }

    /// <summary>The data is a text: a difference from the data before.</summary>
    public bool Delta { get; init; }

    /// <summary>The application's version of what it describes; 0 is left out.</summary>
    public ulong Version { get; init; }

    /// <summary>The epoch of the channel's stream, told with its first publication; empty is left out.</summary>
    public ReadOnlySpan<byte> Epoch { get; init; }

    /// <summary>A JSON object of texts; empty is left out.</summary>
    public ReadOnlySpan<byte> Tags { get; init; }
}
