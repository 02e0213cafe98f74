using Broker.Tests.Support;

namespace Broker.Tests.EndToEnd.Proxies;

/// <summary>A block of docs/PROXIES.md: what its readers copy is what the tests run.</summary>
internal static class ProxySnippet
{
    private const string Fence = "```";

    /// <summary>Reads the one block of a language whose first line is a comment with this title.</summary>
    public static string Read(string language, string title)
    {
        string[] lines = File.ReadAllLines(Path.Combine(ProjectFolder.Path, "..", "docs", "PROXIES.md"));
        int start = Enumerable.Range(0, lines.Length - 1).Single(i => lines[i] == Fence + language && lines[i + 1] == $"# {title}");
        return string.Join('\n', lines.Skip(start + 1).TakeWhile(line => line != Fence)) + "\n";
    }

    /// <summary>Puts another text in the place of one that stands there exactly once.</summary>
    public static string With(this string snippet, string place, string text)
    {
        Assert.True(snippet.Split(place).Length == 2, $"\"{place}\" does not stand exactly once in:\n{snippet}");
        return snippet.Replace(place, text, StringComparison.Ordinal);
    }
}
