using System.Text.Json;

namespace Broker.Core.Filters;

/// <summary>Reads a filter as subscribe requests carry it: <c>{"op":"and","nodes":[{"key":"a","cmp":"eq","val":"1"}]}</c>.</summary>
/// <remarks>
/// A leaf has no <c>op</c>, and a <c>cmp</c>: <c>eq neq sw ew ct gt gte lt lte</c> need <c>val</c> and take no <c>vals</c>, <c>in nin</c>
/// the contrary, <c>ex nex</c> take neither. <c>and</c> and <c>or</c> need one node or more, <c>not</c> exactly one.
/// </remarks>
public static class TagsFilterReader
{
    /// <summary>Nodes of a whole filter, at most: each is looked at for every publication.</summary>
    public const int NodesMax = 256;

    /// <summary>Values of all lists of a filter, at most.</summary>
    public const int ValuesMax = 4096;

    private const int DepthMax = 16;

    /// <summary>Reads a filter.</summary>
    /// <param name="json">A JSON object. Borrowed.</param>
    /// <param name="filter">The filter, or null if it is malformed.</param>
    /// <returns>A sentence that names the rule broken, or null.</returns>
    public static string? Read(ReadOnlySpan<byte> json, out TagsFilter? filter)
    {
        filter = null;
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 2 * DepthMax + 2 });
            FilterNode? node = JsonSerializer.Deserialize(ref reader, FilterJson.Default.FilterNode);
            if (node is null) return "The filter is null.";
            var limits = new Limits();
            filter = Build(node, ref limits);
            return limits.Problem;
        }
        catch (JsonException malformed)
        {
            return $"The filter is malformed: {malformed.Message}";
        }
    }

    /// <summary>Makes a filter of nodes that another form carried.</summary>
    /// <param name="node">The root.</param>
    /// <param name="filter">The filter, or null if it is malformed.</param>
    /// <returns>A sentence that names the rule broken, or null.</returns>
    public static string? Build(FilterNode node, out TagsFilter? filter)
    {
        var limits = new Limits();
        filter = Build(node, ref limits);
        return limits.Problem;
    }

    private struct Limits
    {
        public string? Problem;
        public int Nodes, Values, Depth;
    }

    private static TagsFilter? Build(FilterNode node, ref Limits limits)
    {
        if (++limits.Nodes > NodesMax) return Refuse(ref limits, $"A filter has more than {NodesMax} nodes.");
        if ((limits.Values += node.Vals?.Length ?? 0) > ValuesMax) return Refuse(ref limits, $"A filter has more than {ValuesMax} values.");
        if (++limits.Depth > DepthMax) return Refuse(ref limits, $"A filter is nested deeper than {DepthMax}.");
        TagsFilter? filter = (node.Op ?? "") switch
        {
            "" => BuildLeaf(node, ref limits),
            "and" => BuildNodes(node, ref limits) is { } all ? new TagsFilter.All(all) : null,
            "or" => BuildNodes(node, ref limits) is { } any ? new TagsFilter.Any(any) : null,
            "not" when node.Nodes is not { Length: 1 } => Refuse(ref limits, "A \"not\" of a filter needs exactly one node."),
            "not" => BuildNodes(node, ref limits) is { } one ? new TagsFilter.Not(one[0]) : null,
            _ => Refuse(ref limits, "The op of a filter is \"and\", \"or\", \"not\" or none."),
        };
        limits.Depth--;
        return filter;
    }

    private static TagsFilter[]? BuildNodes(FilterNode node, ref Limits limits)
    {
        if (node.Nodes is not { Length: > 0 } nodes)
        {
            Refuse(ref limits, $"An \"{node.Op}\" of a filter needs a node.");
            return null;
        }

        var built = new TagsFilter[nodes.Length];
        for (int i = 0; i < nodes.Length; i++)
        {
            if (nodes[i] is null) Refuse(ref limits, "A node of a filter is null.");
            else if (Build(nodes[i]!, ref limits) is { } child) built[i] = child;
            if (limits.Problem is not null) return null;
        }

        return built;
    }

    private static TagsFilter? BuildLeaf(FilterNode node, ref Limits limits)
    {
        bool hasValue = !string.IsNullOrEmpty(node.Val), hasValues = node.Vals is { Length: > 0 };
        TagComparison? comparison = node.Cmp switch
        {
            "eq" => TagComparison.Equal,
            "neq" => TagComparison.NotEqual,
            "sw" => TagComparison.StartsWith,
            "ew" => TagComparison.EndsWith,
            "ct" => TagComparison.Contains,
            "gt" => TagComparison.Greater,
            "gte" => TagComparison.GreaterOrEqual,
            "lt" => TagComparison.Less,
            "lte" => TagComparison.LessOrEqual,
            "in" => TagComparison.In,
            "nin" => TagComparison.NotIn,
            "ex" => TagComparison.Exists,
            "nex" => TagComparison.NotExists,
            _ => null,
        };
        if (comparison is not { } known)
            return Refuse(ref limits, "The cmp of a filter is one of eq, neq, in, nin, ex, nex, sw, ew, ct, gt, gte, lt, lte.");
        bool takesNone = known is TagComparison.Exists or TagComparison.NotExists, takesList =
            known is TagComparison.In or TagComparison.NotIn;
        if (string.IsNullOrEmpty(node.Key) && !takesNone) return Refuse(ref limits, $"The cmp {node.Cmp} of a filter needs a key.");
        if (takesNone && (hasValue || hasValues)) return Refuse(ref limits, $"The cmp {node.Cmp} of a filter takes neither val nor vals.");
        if (takesList && (hasValue || !hasValues))
            return Refuse(ref limits, $"The cmp {node.Cmp} of a filter takes vals, at least one, and no val.");
        if (!takesNone && !takesList && (!hasValue || hasValues))
            return Refuse(ref limits, $"The cmp {node.Cmp} of a filter takes a val that is not empty, and no vals.");
        if (hasValues && Array.IndexOf(node.Vals!, null) >= 0) return Refuse(ref limits, "A value of a filter is null.");
        return new TagsFilter.Leaf(node.Key ?? "", known, node.Val ?? "", node.Vals ?? []);
    }

    private static TagsFilter? Refuse(ref Limits limits, string problem)
    {
        limits.Problem ??= problem;
        return null;
    }
}
