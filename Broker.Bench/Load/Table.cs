using System.Globalization;
using System.Text;

namespace Broker.Bench.Load;

/// <summary>Prints the results of one scenario as a Markdown table that also reads well on a terminal.</summary>
internal static class Table
{
    private const string Nothing = "–";

    public static string Format(Results results, string baseline)
    {
        var rows = new List<List<string>> { Heading(results, baseline) };
        rows.AddRange(results.Names.Select(name => Row(results, name, baseline)));
        int[] widths = [.. Enumerable.Range(0, rows[0].Count).Select(column => rows.Max(row => row[column].Length))];

        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"### {results.Scenario.Name}\n\n{results.Scenario.Description}\n\n");
        AppendRow(text, rows[0], widths);
        AppendRow(text, [.. widths.Select((width, column) => new string('-', width - 1) + (IsText(column, widths.Length) ? "-" : ":"))],
            widths);
        foreach (List<string> row in rows.Skip(1)) AppendRow(text, row, widths);
        return text.ToString();
    }

    private static List<string> Heading(Results results, string baseline)
    {
        List<string> cells = ["server"];
        foreach (Metric metric in results.Scenario.Metrics)
        {
            cells.Add(metric.Title);
            if (metric.Spread) cells.Add("min–max");
            if (metric.Ratio) cells.Add($"× {baseline}");
        }
        cells.Add("counts");
        return cells;
    }

    private static List<string> Row(Results results, string name, string baseline)
    {
        List<string> cells = [name];
        foreach (Metric metric in results.Scenario.Metrics)
        {
            IReadOnlyList<double> figures = results.Figures(name, metric);
            cells.Add(Figure(Results.Median(figures), metric.Format));
            if (metric.Spread)
                cells.Add(figures.Count == 0 ? Nothing : $"{Figure(figures.Min(), metric.Format)}–{Figure(figures.Max(), metric.Format)}");
            if (metric.Ratio) cells.Add(Figure(Results.Median(results.Ratios(name, baseline, metric)), "N2"));
        }
        // A fault may be a server's last words: one line of them, and no bar that would end the cell.
        cells.Add((results.FaultOf(name) ?? "right").ReplaceLineEndings(" ").Replace('|', '/'));
        return cells;
    }

    private static string Figure(double figure, string format) =>
        double.IsFinite(figure) ? figure.ToString(format, CultureInfo.InvariantCulture) : Nothing;

    private static bool IsText(int column, int columns) => column == 0 || column == columns - 1;

    private static void AppendRow(StringBuilder text, List<string> cells, int[] widths)
    {
        for (int column = 0; column < cells.Count; column++)
        {
            text.Append("| ")
                .Append(IsText(column, cells.Count) ? cells[column].PadRight(widths[column]) : cells[column].PadLeft(widths[column]))
                .Append(' ');
        }
        text.Append("|\n");
    }
}
