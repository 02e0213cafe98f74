namespace Broker.Tests.AspNetCore;

public sealed class EmbeddingTests
{
    [Fact]
    public async Task A_hub_in_a_route_group_is_served_below_its_prefix()
    {
        await using HubInKestrel app = await HubInKestrel.StartAsync();

        using System.Net.WebSockets.ClientWebSocket client = await app.ConnectAsync(Way.Plain, "/api/connection/websocket");

        Assert.Equal(System.Net.WebSockets.WebSocketState.Open, client.State);
    }

    [Fact]
    public async Task The_program_in_the_docs_is_the_sample_that_is_built()
    {
        DirectoryInfo? root = new(AppContext.BaseDirectory);
        while (root is not null && !File.Exists(Path.Combine(root.FullName, "broker.sln"))) root = root.Parent;
        if (root is null) return; // Run from a copy of the binaries, without the tree.

        string program = await File.ReadAllTextAsync(Path.Combine(root.FullName, "samples", "Embedded", "Program.cs"));

        Assert.Contains(
            $"```csharp\n{program}```", await File.ReadAllTextAsync(Path.Combine(root.FullName, "docs", "EMBEDDING.md")),
                StringComparison.Ordinal);
    }
}
