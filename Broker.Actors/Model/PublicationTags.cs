using System.Diagnostics.CodeAnalysis;
using Broker.Core.Filters;

namespace Broker.Actors.Model;

/// <summary>The tags of a publication: few names with a text each, as they were given. Never changed.</summary>
public sealed class PublicationTags : ITagSource
{
    private readonly KeyValuePair<string, string>[] _tags;

    /// <summary>Copies tags.</summary>
    /// <exception cref="ArgumentException">A name stands twice.</exception>
    public PublicationTags(IEnumerable<KeyValuePair<string, string>> tags)
    {
        _tags = [.. tags];
        if (_tags.DistinctBy(static tag => tag.Key).Count() != _tags.Length) throw new ArgumentException("A tag stands twice.", nameof(tags));
    }

    /// <summary>The tags of a publication, or null where there are none.</summary>
    public static PublicationTags? From(IReadOnlyCollection<KeyValuePair<string, string>>? tags) => tags is { Count: > 0 } ? new PublicationTags(tags) : null;

    /// <summary>All of them, in the order given.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> All => _tags;

    /// <inheritdoc />
    public bool TryGet(string name, [NotNullWhen(true)] out string? value)
    {
        foreach (KeyValuePair<string, string> tag in _tags)
        {
            if (!string.Equals(tag.Key, name, StringComparison.Ordinal)) continue;
            value = tag.Value;
            return true;
        }

        value = null;
        return false;
    }
}
