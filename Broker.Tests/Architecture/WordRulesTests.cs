using Broker.Tests.Support;

namespace Broker.Tests.Architecture;

/// <summary>No name in the tree has a private word; and the check finds one.</summary>
public sealed class WordRulesTests
{
    [Fact]
    public void No_name_has_a_private_word()
    {
        string root = Path.GetDirectoryName(ProjectFolder.Path)!;
        IEnumerable<string> violations =
            from path in SourceMap.PathsUnder(root)
            where !path.Contains("/WordRules", StringComparison.Ordinal)
            from violation in WordRules.Check(path, SourceFile.CodeOf(File.ReadAllText(Path.Combine(root, path))))
            select violation;
        string all = string.Join('\n', violations);
        if (all.Length > 0) Assert.Fail(all);
    }

    [Theory]
    [InlineData("class A { void SayAsync() { } }", "SayAsync")]
    [InlineData("class A { int _received; }", "_heard")]
    [InlineData("class A { void M(int told) { } }", "told")]
    [InlineData("class A { void Tell() { } }", "Tell")]
    [InlineData("class A { void LetGo() { } }", "LetGo")]
    [InlineData("class QuickCall;", "QuickCall")]
    [InlineData("class CallEnvironment;", "CallEnvironment")]
    [InlineData("class A { [Fact] public void Whoever_asks_is_answered() { } }", "Whoever_asks_is_answered")]
    public void Rejects_a_private_word(string code, string name) =>
        Assert.Equal([$"Broker.Core/A.cs: {name}"], WordRules.Check("Broker.Core/A.cs", code));

    [Theory]
    [InlineData("class A { void M(IActorRef a) { a.Tell(1); ActorRefs.Nobody.Tell(2); } }")]
    [InlineData("class A { Outlet<int> Out { get; } }")]
    [InlineData("class A { string E => Environment.NewLine; }")]
    [InlineData("class Essay { int _essays; bool IsHeart; }")]
    public void Accepts_other_names(string code) => Assert.Empty(WordRules.Check("Broker.Core/A.cs", code));

    [Fact]
    public void Rejects_a_private_word_in_a_file_name() =>
        Assert.Equal(["Broker.Core/Doorman.cs: its name"], WordRules.Check("Broker.Core/Doorman.cs", ""));
}
