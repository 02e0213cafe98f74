using System.Globalization;
using System.Text;
using Broker.Tests.Conformance.Cases;

namespace Broker.Tests.Conformance.Running;

/// <summary>Writes results as Markdown: a table of counts per group, then every case that is not OK.</summary>
public static class ConformanceReport
{
    /// <summary>
    /// Several runs: one line for each, and then what <see cref="Write(string, IReadOnlyList{CaseResult})"/> says of each.
    /// </summary>
    public static string Write(IReadOnlyList<(string Way, string Endpoint, IReadOnlyList<CaseResult> Results)> runs)
    {
        ArgumentNullException.ThrowIfNull(runs);
        var text = new StringBuilder("| way in ");
        AddHeads(text);
        foreach ((string way, _, IReadOnlyList<CaseResult> results) in runs) AddRow(text, way, results);
        foreach ((string way, string endpoint, IReadOnlyList<CaseResult> results) in runs)
            Add(text, $"\n{Write($"{way}, {endpoint}", results)}");
        return text.ToString();
    }

    /// <summary>One run.</summary>
    /// <param name="endpoint">What was tested.</param>
    /// <param name="results">The results in any order.</param>
    public static string Write(string endpoint, IReadOnlyList<CaseResult> results)
    {
        var text = new StringBuilder();
        Add(text, $"# Conformance of {endpoint}\n\n");
        Add(text, $"{results.Count} cases, {results.Count(r => r.Conforms)} conform, {results.Count(r => r.IsStrict)} of them "
            + $"strictly.\n\n");
        text.Append("| group ");
        AddHeads(text);
        foreach (IGrouping<int, CaseResult> group in results.GroupBy(r => r.Case.Group).OrderBy(g => g.Key))
        {
            AddRow(text, $"{group.Key}.x", [.. group]);
        }

        AddRow(text, "all", results);
        AddUnimplemented(text, [.. results.Where(r => r.Behaviour == Behaviour.Unimplemented).Select(r => r.Case.Id)]);
        AddOthers(text, [.. results.Where(r => r is not { Behaviour: Behaviour.Ok or Behaviour.Unimplemented, Closing: Closing.Ok })]);
        return text.ToString();
    }

    private static void AddHeads(StringBuilder text)
    {
        text.Append("| cases | OK | non-strict | informational | unimplemented | failed ");
        text.Append("| closing OK | unclean | wrong code | by client | failed | seconds |\n");
        text.Append("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    }

    private static void AddRow(StringBuilder text, string name, IReadOnlyList<CaseResult> results)
    {
        Add(text, $"| {name} | {results.Count} ");
        foreach (Behaviour one in Enum.GetValues<Behaviour>()) Add(text, $"| {results.Count(r => r.Behaviour == one)} ");
        foreach (Closing one in Enum.GetValues<Closing>()) Add(text, $"| {results.Count(r => r.Closing == one)} ");
        Add(text, $"| {results.Sum(r => r.Elapsed.TotalSeconds):F1} |\n");
    }

    private static void AddUnimplemented(StringBuilder text, IReadOnlyList<string> ids)
    {
        if (ids.Count == 0) return;
        IEnumerable<string> families = ids.Select(id => id[..id.LastIndexOf('.')]).Distinct();
        Add(text, $"\nUnimplemented, {ids.Count} cases of: {string.Join(", ", families)}.\n");
    }

    private static void AddOthers(StringBuilder text, IReadOnlyList<CaseResult> others)
    {
        if (others.Count == 0) return;
        text.Append("\n| case | behaviour | closing | wanted | got |\n|---|---|---|---|---|\n");
        foreach (CaseResult one in others)
        {
            Add(text, $"| {one.Case.Id} | {one.Behaviour} | {one.Closing} | {Cell(one.Wanted)} | {Cell(one.Got)} |\n");
        }
    }

    private static string Cell(string words) => words.Replace("|", "or", StringComparison.Ordinal);

    private static void Add(StringBuilder text, FormattableString part) => text.Append(part.ToString(CultureInfo.InvariantCulture));
}
