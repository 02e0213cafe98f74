using System.Xml.Linq;

namespace Broker.Tests.Architecture;

/// <summary>Each rule of the tree, on files that break it.</summary>
public sealed class LayerRulesTests
{
    [Fact]
    public void Rejects_a_reference_that_points_up()
    {
        XDocument project =
            XDocument.Parse(
                """<Project><ItemGroup><ProjectReference Include="../Broker.Host/Broker.Host.csproj" /></ItemGroup></Project>""");
        Assert.Equal(["Broker.Actors references Broker.Host"], LayerRules.CheckProject("Broker.Actors", project));
    }

    [Fact]
    public void Rejects_a_project_that_is_not_listed() =>
        Assert.Single(LayerRules.CheckProject("Broker.Utilities", XDocument.Parse("<Project />")));

    [Fact]
    public void Rejects_a_package_of_Core()
    {
        XDocument project = XDocument.Parse("""<Project><ItemGroup><PackageReference Include="Akka" /></ItemGroup></Project>""");
        Assert.Equal(["Broker.Core uses the package Akka"], LayerRules.CheckProject("Broker.Core", project));
    }

    [Fact]
    public void Rejects_a_namespace_that_is_not_the_folder()
    {
        SourceMap map = SourceMap.Of(("Broker.Core/Framing/A.cs", "namespace Broker.Core;\nclass A;"));
        Assert.Equal(["Broker.Core/Framing/A.cs declares Broker.Core"], LayerRules.CheckNamespaces(map));
    }

    [Fact]
    public void Rejects_two_folders_that_use_each_other()
    {
        SourceMap map = SourceMap.Of(
            ("P/A/Door.cs", "using P.B;\nnamespace P.A;\npublic sealed class Door { private Key? _key; }"),
            ("P/B/Key.cs", "using P.A;\nnamespace P.B;\npublic sealed class Key { private readonly Door _door; }"));
        Assert.Equal(["these folders form a circle: P/A, P/B"], LayerRules.CheckCircles(map));
    }

    [Fact]
    public void Rejects_folders_that_form_a_circle_of_three()
    {
        SourceMap map = SourceMap.Of(
            ("P/A/A.cs", "using P.B;\nnamespace P.A;\nclass A { B b; }"),
            ("P/B/B.cs", "using P.C;\nnamespace P.B;\nclass B { C c; }"),
            ("P/C/C.cs", "using P.A;\nnamespace P.C;\nclass C { A a; }"));
        Assert.Equal(["these folders form a circle: P/A, P/B, P/C"], LayerRules.CheckCircles(map));
    }

    [Fact]
    public void Accepts_arrows_that_point_one_way()
    {
        SourceMap map = SourceMap.Of(
            ("P/A/Door.cs", "using P.B;\nnamespace P.A;\npublic sealed class Door { private Key? _key; }"),
            ("P/B/Key.cs",
                "namespace P.B;\n/// <summary>Of a <see cref=\"Door\"/>.</summary>\npublic sealed class Key { string s = \"Door\"; /* Door "
                    + "*/ }"));
        Assert.Empty(LayerRules.CheckCircles(map));
    }

    [Fact]
    public void A_nested_folder_sees_its_parent_without_a_using()
    {
        SourceMap map = SourceMap.Of(
            ("P/A.cs", "using P.Inner;\nnamespace P;\nclass A { B b; }"),
            ("P/Inner/B.cs", "namespace P.Inner;\nclass B { A a; }"));
        Assert.Equal(["these folders form a circle: P, P/Inner"], LayerRules.CheckCircles(map));
    }

    [Fact]
    public void Rejects_a_circle_of_seven_files()
    {
        Assert.Empty(LayerRules.CheckCircles(Ring(LayerRules.FilesInCircleMax)));
        Assert.Single(LayerRules.CheckCircles(Ring(LayerRules.FilesInCircleMax + 1)));
    }

    [Fact]
    public void Rejects_a_dialect_that_names_another()
    {
        SourceMap map = SourceMap.Of(
            ("Broker.Dialects/Echo/EchoSession.cs",
                "using Broker.Dialects.Native;\nnamespace Broker.Dialects.Echo;\nclass EchoSession { NativeSettings s; }"),
            ("Broker.Dialects/Native/NativeSettings.cs", "namespace Broker.Dialects.Native;\nclass NativeSettings;"),
            ("Broker.Dialects/StandardSettings.cs",
                "using Broker.Dialects.Native;\nnamespace Broker.Dialects;\nclass StandardSettings { NativeSettings s; }"));
        Assert.Equal(
            ["Broker.Dialects/Echo/EchoSession.cs names a type of Broker.Dialects/Native/NativeSettings.cs"],
                LayerRules.CheckDialects(map));
    }

    [Fact]
    public void Rejects_a_hub_that_names_a_dialect()
    {
        SourceMap map = SourceMap.Of(
            ("Broker.Dialects/Echo/EchoSession.cs", "namespace Broker.Dialects.Echo;\nclass EchoSession;"),
            ("Broker.Actors/Hub.cs", "namespace Broker.Actors;\nclass Hub { bool _isEchoOpen; }"));
        Assert.Equal(["Broker.Actors/Hub.cs names a dialect: _isEchoOpen"], LayerRules.CheckHub(map));
    }

    [Theory]
    [InlineData("using System.Net.Sockets;")]
    [InlineData("using Akka.Actor;")]
    [InlineData("using Microsoft.Extensions.Logging;")]
    [InlineData("namespace X; class A { Akka.Actor.IActorRef a; }")]
    public void Rejects_sockets_Akka_and_logs_in_Core(string code) =>
        Assert.Single(LayerRules.CheckCore(SourceMap.Of(("Broker.Core/A.cs", code))));

    [Fact]
    public void Accepts_the_family_of_an_address_in_Core() =>
        Assert.Empty(LayerRules.CheckCore(SourceMap.Of(("Broker.Core/A.cs", "using AddressFamily = System.Net.Sockets.AddressFamily;"))));

    private static SourceMap Ring(int files) => SourceMap.Of(
        [.. Enumerable.Range(0, files).Select(i => ($"P/T{i}.cs", $"namespace P;\nclass T{i} {{ T{(i + 1) % files} next; }}"))]);
}
