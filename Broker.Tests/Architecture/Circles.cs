namespace Broker.Tests.Architecture;

/// <summary>Finds the circles of a graph: its strongly connected parts of more than one node, by Tarjan's algorithm.</summary>
internal sealed class Circles
{
    private readonly IReadOnlyDictionary<string, SortedSet<string>> _arrows;
    private readonly Dictionary<string, (int Index, int Low)> _seen = [];
    private readonly Stack<string> _path = new();
    private readonly HashSet<string> _onPath = [];
    private readonly List<string[]> _found = [];

    private Circles(IReadOnlyDictionary<string, SortedSet<string>> arrows) => _arrows = arrows;

    /// <summary>Each circle's nodes, sorted; the largest circle first.</summary>
    public static IReadOnlyList<string[]> In(IReadOnlyDictionary<string, SortedSet<string>> arrows)
    {
        var search = new Circles(arrows);
        foreach (string node in arrows.Keys)
        {
            if (!search._seen.ContainsKey(node)) search.Visit(node);
        }

        return [.. search._found.OrderByDescending(static circle => circle.Length)];
    }

    // As deep as the longest path without a repetition: a few hundred files at most.
    private int Visit(string node)
    {
        int index = _seen.Count, low = index;
        _seen.Add(node, (index, low));
        _path.Push(node);
        _onPath.Add(node);
        foreach (string next in _arrows.GetValueOrDefault(node) ?? [])
        {
            if (!_seen.TryGetValue(next, out (int Index, int Low) seen)) low = Math.Min(low, Visit(next));
            else if (_onPath.Contains(next)) low = Math.Min(low, seen.Index);
        }

        _seen[node] = (index, low);
        if (low == index) Take(node);
        return low;
    }

    private void Take(string node)
    {
        List<string> part = [];
        string member;
        do
        {
            member = _path.Pop();
            _onPath.Remove(member);
            part.Add(member);
        }
        while (member != node);

        if (part.Count > 1) _found.Add([.. part.Order(StringComparer.Ordinal)]);
    }
}
