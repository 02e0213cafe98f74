using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Broker.Tests.Architecture;

/// <summary>
/// The rules of the tree. Each check returns one line per violation. A rule has no exceptions: a violation is cured in the code.
/// </summary>
internal static partial class LayerRules
{
    /// <summary>Most files that may form a circle.</summary>
    public const int FilesInCircleMax = 6;

    private static readonly string[] s_outsideCore = ["Akka", "System.Net.Sockets", "Microsoft.Extensions", "Microsoft.AspNetCore"];

    /// <summary>Which project may reference which. A project that is not listed may not be there.</summary>
    public static IReadOnlyDictionary<string, string[]> ProjectReferences { get; } = new Dictionary<string, string[]>
    {
        ["Broker.Core"] = [],
        ["Broker.Configuration"] = [],
        ["Broker.Reactor"] = ["Broker.Core"],
        ["Broker.Client"] = ["Broker.Core"],
        ["Broker.Cli"] = ["Broker.Client"],
        ["Broker.Actors"] = ["Broker.Configuration", "Broker.Reactor"],
        ["Broker.Dialects"] = ["Broker.Actors"],
        ["Broker.Identity"] = ["Broker.Actors", "Broker.Configuration"],
        ["Broker.Store"] = ["Broker.Core", "Broker.Actors"],
        ["Broker.AspNetCore"] = ["Broker.Actors", "Broker.Dialects", "Broker.Identity"],
        ["Broker.Host"] =
        [
            "Broker.Actors", "Broker.AspNetCore", "Broker.Cli", "Broker.Configuration", "Broker.Dialects", "Broker.Identity",
                "Broker.Store",
        ],
    };

    /// <summary>Project references that are not allowed, and packages that Core may not have.</summary>
    /// <param name="name">The project's name.</param>
    /// <param name="project">Its project file.</param>
    public static IEnumerable<string> CheckProject(string name, XDocument project)
    {
        if (!ProjectReferences.TryGetValue(name, out string[]? allowed))
        {
            yield return $"{name} is not a project of this tree";
            yield break;
        }

        foreach (XElement reference in project.Descendants("ProjectReference"))
        {
            string path = reference.Attribute("Include")!.Value.Replace('\\', '/');
            string other = path[(path.LastIndexOf('/') + 1)..].Replace(".csproj", "", StringComparison.Ordinal);
            if (!allowed.Contains(other)) yield return $"{name} references {other}";
        }

        if (name != "Broker.Core") yield break;
        foreach (XElement package in project.Descendants("PackageReference"))
        {
            string id = package.Attribute("Include")!.Value;
            if (id != "System.IO.Hashing") yield return $"Broker.Core uses the package {id}";
        }
    }

    /// <summary>Files whose namespace is not their folder's.</summary>
    public static IEnumerable<string> CheckNamespaces(SourceMap map) =>
        from file in map.Files
        let expected = SourceMap.FolderOf(file.Path).Replace('/', '.')
        where file.Namespace.Length > 0 && file.Namespace != expected
        select $"{file.Path} declares {file.Namespace}";

    /// <summary>Circles of folders, and circles of more files than may be.</summary>
    public static IEnumerable<string> CheckCircles(SourceMap map)
    {
        foreach (string[] circle in Circles.In(map.FolderArrows()))
            yield return "these folders form a circle: " + string.Join(", ", circle);
        foreach (string[] circle in Circles.In(map.FileArrows))
        {
            if (circle.Length > FilesInCircleMax) yield return $"{circle.Length} files form a circle: " + string.Join(", ", circle);
        }
    }

    /// <summary>Dialects that name another dialect.</summary>
    public static IEnumerable<string> CheckDialects(SourceMap map) =>
        from arrow in map.FileArrows
        let dialect = DialectOf(arrow.Key)
        where dialect is not null
        from to in arrow.Value
        let other = DialectOf(to)
        where other is not null && other != dialect
        select $"{arrow.Key} names a type of {to}";

    /// <summary>Code of the hub that names a dialect: a folder of Broker.Dialects, in any part of a name.</summary>
    public static IEnumerable<string> CheckHub(SourceMap map)
    {
        string[] dialects = [.. map.Files.Select(static file => DialectOf(file.Path)).OfType<string>().Distinct()];
        if (dialects.Length == 0) yield break;
        var name = new Regex(@"\b\w*(?:" + string.Join('|', dialects) + @")\w*\b");
        foreach (SourceFile file in map.Files)
        {
            if (!file.Path.StartsWith("Broker.Actors/", StringComparison.Ordinal)) continue;
            foreach (string found in name.Matches(file.Code).Select(static match => match.Value).Distinct())
                yield return $"{file.Path} names a dialect: {found}";
        }
    }

    /// <summary>Code of Core that uses sockets, Akka, logging or the web server.</summary>
    public static IEnumerable<string> CheckCore(SourceMap map)
    {
        foreach (SourceFile file in map.Files)
        {
            if (!file.Path.StartsWith("Broker.Core/", StringComparison.Ordinal)) continue;
            string code = AddressFamilyAlias().Replace(file.Code, "");
            foreach (string outside in s_outsideCore)
            {
                if (Regex.IsMatch(code, $@"(?<![\w.]){Regex.Escape(outside)}\b")) yield return $"{file.Path} uses {outside}";
            }
        }
    }

    // "Broker.Dialects/Echo/EchoSession.cs" is of the dialect Echo; a file in Broker.Dialects itself is of none.
    private static string? DialectOf(string path) => DialectPath().Match(path) is { Success: true } match ? match.Groups[1].Value : null;

    [GeneratedRegex("^Broker\\.Dialects/([^/]+)/")]
    private static partial Regex DialectPath();

    // A family is a number beside an address; no socket comes with it.
    [GeneratedRegex(@"^using AddressFamily = System\.Net\.Sockets\.AddressFamily;", RegexOptions.Multiline)]
    private static partial Regex AddressFamilyAlias();
}
