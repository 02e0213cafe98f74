using System.Xml.Linq;
using Broker.Tests.Support;

namespace Broker.Tests.Architecture;

/// <summary>The tree keeps its rules; see <see cref="LayerRules"/>.</summary>
public sealed class ArchitectureTests
{
    private static readonly string s_root = Path.GetDirectoryName(ProjectFolder.Path)!;
    private static readonly Lazy<SourceMap> s_map = new(static () => SourceMap.Read(s_root));

    [Fact]
    public void Projects_reference_only_what_is_below_them()
    {
        var bad = new List<string>();
        foreach (string name in s_map.Value.Files.Select(static file => file.Path[..file.Path.IndexOf('/', StringComparison.Ordinal)])
            .Distinct())
        {
            bad.AddRange(LayerRules.CheckProject(name, XDocument.Load(Path.Combine(s_root, name, name + ".csproj"))));
        }

        AssertNone(bad);
    }

    [Fact]
    public void Namespaces_are_folders() => AssertNone(LayerRules.CheckNamespaces(s_map.Value));

    [Fact]
    public void Folders_form_no_circle_and_files_no_large_one() => AssertNone(LayerRules.CheckCircles(s_map.Value));

    [Fact]
    public void No_dialect_names_another() => AssertNone(LayerRules.CheckDialects(s_map.Value));

    [Fact]
    public void The_hub_names_no_dialect() => AssertNone(LayerRules.CheckHub(s_map.Value));

    [Fact]
    public void Core_knows_no_socket_no_Akka_and_no_log() => AssertNone(LayerRules.CheckCore(s_map.Value));

    [Fact]
    public void The_map_has_every_project()
    {
        Assert.Equal(
            LayerRules.ProjectReferences.Keys.Order(),
            s_map.Value.Files.Select(static file => file.Path[..file.Path.IndexOf('/', StringComparison.Ordinal)]).Distinct().Order());
        Assert.True(s_map.Value.Files.Count > 500);
    }

    private static void AssertNone(IEnumerable<string> violations) => Assert.Equal("", string.Join('\n', violations));
}
