namespace Broker.Dialects.Centrifuge.Wire;

/// <summary>
/// What goes out to each subscriber of a channel. All spans are borrowed, in the words of the form: well-formed JSON, or Protobuf.
/// </summary>
public readonly ref struct Publication
{
    /// <summary>The payload: any JSON value, where empty is written as null; or in the Protobuf form any bytes.</summary>
    public ReadOnlySpan<byte> Data { get; init; }

    /// <summary>Who published, as the encoder of the form encodes it; empty is left out.</summary>
    public ReadOnlySpan<byte> Info { get; init; }

    /// <summary>Its place in the channel's stream, from 1; 0 is left out.</summary>
    public ulong Offset { get; init; }

    /// <summary>The data is a text: a difference from the data before.</summary>
    public bool Delta { get; init; }

    /// <summary>The application's version of what it describes; 0 is left out.</summary>
    public ulong Version { get; init; }

    /// <summary>The epoch of the channel's stream, told with its first publication; empty is left out.</summary>
    public ReadOnlySpan<byte> Epoch { get; init; }

    /// <summary>Names and values, as the encoder of the form encodes them; empty is left out.</summary>
    public ReadOnlySpan<byte> Tags { get; init; }
}
