using System.Text.Json.Serialization;

namespace Broker.Core.Filters;

/// <summary>A node of a filter as it is on the wire; <see cref="TagsFilterReader"/> judges it.</summary>
public sealed class FilterNode
{
    /// <summary>and, or, not; none for a leaf.</summary>
    public string? Op { get; init; }

    /// <summary>Of a leaf: the tag.</summary>
    public string? Key { get; init; }

    /// <summary>Of a leaf: the comparison.</summary>
    public string? Cmp { get; init; }

    /// <summary>Of a leaf: the value.</summary>
    public string? Val { get; init; }

    /// <summary>Of a leaf: the values.</summary>
    public string[]? Vals { get; init; }

    /// <summary>The nodes beneath.</summary>
    public FilterNode?[]? Nodes { get; init; }
}

/// <summary>The JSON form.</summary>
[JsonSourceGenerationOptions(PropertyNameCaseInsensitive = true, PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(FilterNode))]
internal sealed partial class FilterJson : JsonSerializerContext;
