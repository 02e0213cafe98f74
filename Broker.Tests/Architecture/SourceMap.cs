using System.Collections.Frozen;
using System.Text.RegularExpressions;

namespace Broker.Tests.Architecture;

/// <summary>The product's C# files, the types that each declares, and which file names a type of which other.</summary>
/// <remarks>
/// Made of text alone: comments and strings are left out, and a name counts where the namespace that declares it is visible. So a name that
/// only looks like a type of a visible namespace counts as well: it is cured by another name.
/// </remarks>
internal sealed partial class SourceMap
{
    private readonly Dictionary<string, SortedSet<string>> _arrows = [];

    private SourceMap(IReadOnlyList<SourceFile> files)
    {
        Files = files;
        Dictionary<string, List<SourceFile>> declared = [];
        foreach (SourceFile file in files)
        {
            foreach (string name in file.Declared)
                (declared.TryGetValue(name, out List<SourceFile>? where) ? where : declared[name] = []).Add(file);
        }

        foreach (SourceFile file in files)
        {
            SortedSet<string> to = new(StringComparer.Ordinal);
            foreach (string name in file.Names)
            {
                if (file.Declared.Contains(name) || !declared.TryGetValue(name, out List<SourceFile>? where)) continue;
                foreach (SourceFile other in where)
                {
                    if (file.Sees(other.Namespace)) to.Add(other.Path);
                }
            }

            _arrows.Add(file.Path, to);
        }
    }

    /// <summary>Every file, by its path from the root with forward slashes.</summary>
    public IReadOnlyList<SourceFile> Files { get; }

    /// <summary>From each file to the files whose types it names.</summary>
    public IReadOnlyDictionary<string, SortedSet<string>> FileArrows => _arrows;

    /// <summary>From each folder to the other folders whose types its files name.</summary>
    public IReadOnlyDictionary<string, SortedSet<string>> FolderArrows()
    {
        Dictionary<string, SortedSet<string>> folders = [];
        foreach ((string from, SortedSet<string> files) in _arrows)
        {
            string folder = FolderOf(from);
            if (!folders.TryGetValue(folder, out SortedSet<string>? to))
                folders.Add(folder, to = new SortedSet<string>(StringComparer.Ordinal));
            foreach (string file in files)
            {
                if (FolderOf(file) != folder) to.Add(FolderOf(file));
            }
        }

        return folders;
    }

    /// <summary>
    /// Reads the product's files under the root of the repository; tests, benchmarks, fuzz targets and samples are left out.
    /// </summary>
    public static SourceMap Read(string root)
    {
        List<SourceFile> files = [];
        foreach (string project in Directory.EnumerateDirectories(root, "Broker.*"))
        {
            if (Path.GetFileName(project) is "Broker.Tests" or "Broker.Bench" or "Broker.Fuzz") continue;
            foreach (string file in Directory.EnumerateFiles(project, "*.cs", SearchOption.AllDirectories))
            {
                string path = Path.GetRelativePath(root, file).Replace('\\', '/');
                if (!path.Contains("/bin/", StringComparison.Ordinal) && !path.Contains("/obj/", StringComparison.Ordinal))
                    files.Add(SourceFile.Of(path, File.ReadAllText(file)));
            }
        }

        return new SourceMap(files);
    }

    /// <summary>Makes a map of given texts.</summary>
    public static SourceMap Of(params (string Path, string Text)[] files) =>
        new([.. files.Select(static file => SourceFile.Of(file.Path, file.Text))]);

    internal static string FolderOf(string path) => path.LastIndexOf('/') is > 0 and int end ? path[..end] : "";
}

/// <summary>One C# file, as far as its names go.</summary>
/// <param name="Path">From the root of the repository.</param>
/// <param name="Namespace">The namespace that it declares; empty for none.</param>
/// <param name="Code">Its text without comments and without what stands in strings.</param>
/// <param name="Declared">Types that it declares, nested ones too.</param>
/// <param name="Names">Every capitalized name in it.</param>
/// <param name="Usings">Namespaces that it uses.</param>
internal sealed partial record SourceFile(
    string Path, string Namespace, string Code, FrozenSet<string> Declared, FrozenSet<string> Names, FrozenSet<string> Usings)
{
    public static SourceFile Of(string path, string text)
    {
        string code = Noise().Replace(text, " ");
        return new SourceFile(
            path,
            NamespaceLine().Match(code).Groups[1].Value,
            code,
            Values(Declarations(), code),
            Values(CapitalizedNames(), code),
            Values(UsingLines(), code));
    }

    /// <summary>Whether the types of a namespace can be named here without it.</summary>
    public bool Sees(string declared) =>
        Namespace == declared
        || Namespace.StartsWith(declared + ".", StringComparison.Ordinal)
        || Usings.Any(used => used == declared || used.StartsWith(declared + ".", StringComparison.Ordinal));

    private static FrozenSet<string> Values(Regex regex, string code) =>
        regex.Matches(code).Select(static match => match.Groups[1].Value).ToFrozenSet(StringComparer.Ordinal);

    [GeneratedRegex(""""
        """(?:.|\n)*?"""|//[^\n]*|/\*(?:.|\n)*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\])'
        """")]
    private static partial Regex Noise();

    [GeneratedRegex(@"^namespace\s+([\w.]+)", RegexOptions.Multiline)]
    private static partial Regex NamespaceLine();

    [GeneratedRegex(@"^\s*(?:(?:public|internal|private|protected|file|static|sealed|abstract|readonly|ref|unsafe|partial|new)\s+)*"
        + @"(?:class|struct|interface|enum|record\s+struct|record\s+class|record|delegate\s+[\w<>\[\],.? ]+?)\s+([A-Z]\w*)",
        RegexOptions.Multiline)]
    private static partial Regex Declarations();

    [GeneratedRegex(@"\b([A-Z]\w*)\b")]
    private static partial Regex CapitalizedNames();

    [GeneratedRegex(@"^(?:global\s+)?using\s+(?:static\s+)?(?:\w+\s*=\s*)?([\w.]+)\s*;", RegexOptions.Multiline)]
    private static partial Regex UsingLines();
}
