namespace Broker.Tests.AspNetCore;

public sealed class EmbeddingTests
{
    [Fact]
    public async Task The_program_in_the_docs_is_the_sample_that_is_built()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "broker.sln"))) root = root.Parent;
        if (root is null) return; // Run from a copy of the binaries, without the tree.

        string program = await File.ReadAllTextAsync(Path.Combine(root.FullName, "samples", "Embedded", "Program.cs"));

        Assert.Contains($"```csharp\n{program}```", await File.ReadAllTextAsync(Path.Combine(root.FullName, "docs", "EMBEDDING.md")), StringComparison.Ordinal);
    }
}
