using Broker.Fuzz;
using Broker.Tests.Deflate;
using Broker.Tests.Support;

namespace Broker.Tests.Hostile;

/// <summary>Every input that a fuzzer found worth keeping is run again: what was cured once stays cured.</summary>
[Collection(NativeStates.Name)]
public sealed class CorpusTests
{
    public static TheoryData<string> Names => [.. Targets.ByName.Keys];

    [Theory, MemberData(nameof(Names))]
    public void No_kept_input_is_a_finding(string target)
    {
        string[] files = Directory.GetFiles(Path.Combine(ProjectFolder.Path, "..", "Broker.Fuzz", "Corpora", target));

        Assert.True(files.Length >= 6, $"The corpus of {target} has {files.Length} inputs.");
        Assert.All(files, file => Targets.ByName[target](File.ReadAllBytes(file)));
    }
}
