namespace Broker.Actors.Channels.Delivery;

/// <summary>The formats of a hub, each at the place of its slot. Complete before the first connection.</summary>
public sealed class PublicationFormats
{
    private readonly List<PublicationFormat> _formats = [];
    private readonly List<PublicationEncoding> _encodings = [];

    /// <summary>Registers formats; one that is registered already keeps its place.</summary>
    /// <exception cref="InvalidOperationException">A format belongs to another hub.</exception>
    public PublicationFormats(params IEnumerable<PublicationFormat> formats)
    {
        foreach (PublicationFormat format in formats) Add(format);
    }

    /// <summary>How many formats there are.</summary>
    public int Count => _formats.Count;

    /// <summary>How many encodings there are.</summary>
    public int EncodingCount => _encodings.Count;

    /// <summary>The format of a slot.</summary>
    public PublicationFormat this[int slot] => _formats[slot];

    /// <summary>The encoding of a slot.</summary>
    public PublicationEncoding EncodingOf(int slot) => _encodings[slot];

    private void Add(PublicationFormat format)
    {
        if (_formats.Contains(format)) return;
        if (format.Slot >= 0 && format.Slot != _formats.Count)
            throw new InvalidOperationException($"The format {format} has another place in another hub.");
        format.Slot = _formats.Count;
        _formats.Add(format);
        if (_encodings.Contains(format.Encoding)) return;
        if (format.Encoding.Slot >= 0 && format.Encoding.Slot != _encodings.Count)
            throw new InvalidOperationException($"The encoding of {format} has another place in another hub.");
        format.Encoding.Slot = _encodings.Count;
        _encodings.Add(format.Encoding);
    }
}
