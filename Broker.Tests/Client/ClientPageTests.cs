using System.Text.RegularExpressions;
using Broker.Tests.Support;

namespace Broker.Tests.Client;

public sealed partial class ClientPageTests
{
    [Fact]
    public void Every_example_of_the_page_is_compiled()
    {
        string page = File.ReadAllText(Path.Combine(ProjectFolder.Path, "..", "docs", "CLIENT.md"));
        string compiled = Flat(File.ReadAllText(Path.Combine(ProjectFolder.Path, "Client", "Examples.cs")));

        MatchCollection examples = Example().Matches(page);

        Assert.Equal(7, examples.Count);
        Assert.All(examples, example => Assert.Contains(Flat(example.Groups[1].Value), compiled, StringComparison.Ordinal));
    }

    // Lines may break elsewhere on the page.
    private static string Flat(string code) => string.Concat(code.Where(static each => !char.IsWhiteSpace(each)));

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();
}
