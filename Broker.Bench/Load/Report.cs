using System.Globalization;
using System.Text;

namespace Broker.Bench.Load;

/// <summary>A load run as a page: what was run on what, then a table for each scenario.</summary>
internal sealed class Report(DateTime startedUtc, IReadOnlyList<(string Name, string Value)> circumstances)
{
    private readonly StringBuilder _tables = new();
    private readonly List<string> _notes = [];

    /// <summary>Whether any scenario was finished.</summary>
    public bool HasTables => _tables.Length > 0;

    /// <summary>Something that a reader of the figures has to know.</summary>
    public void AddNote(string note) => _notes.Add(note);

    public void AddTable(string table) => _tables.Append('\n').Append(table);

    /// <summary>What stands before the tables.</summary>
    public string Head()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# Load run of {startedUtc:yyyy-MM-dd HH:mm} UTC\n\n");
        foreach (var (name, value) in circumstances) text.Append(CultureInfo.InvariantCulture, $"- {name}: {value}\n");
        foreach (string note in _notes) text.Append(CultureInfo.InvariantCulture, $"- Note: {note}\n");
        return text.ToString();
    }

    /// <summary>Writes the page into the results of this tree.</summary>
    /// <returns>The file, as seen from the tree's root.</returns>
    public string Write()
    {
        string name =
            Path.Combine("Broker.Bench", "results", $"{startedUtc.ToString("yyyy-MM-dd-HHmm", CultureInfo.InvariantCulture)}-load.md");
        string file = Path.Combine(Tree.Root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, Head() + _tables);
        return name;
    }
}
