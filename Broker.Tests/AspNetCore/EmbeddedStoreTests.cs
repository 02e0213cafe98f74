using Broker.AspNetCore;
using Broker.Client;
using Broker.Core.Protocol.Store;
using Broker.Store;
using Broker.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace Broker.Tests.AspNetCore;

/// <summary>The keyed store in someone's own application, by the very lines of docs/EMBEDDING.md.</summary>
public sealed class EmbeddedStoreTests : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("broker-embedded-");
    private KeyedStore _store = null!;
    private WebApplication _app = null!;

    public async Task InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddBroker();
        KeyedStore store = _store = KeyedStore.Open(_folder.FullName);
        foreach ((string name, StoreHandler handler) in new StoreHandlers(store).All)
            builder.Services.AddBrokerMethod(name, (call, _) => new(handler(call.Arguments)));
        foreach ((string name, StoreStreamHandler handler) in new StoreStreams(
            store, callsMax: 64, TimeSpan.FromSeconds(60), TimeProvider.System).All)
            builder.Services.AddBrokerMethod(
                name, (call, cancellationToken) =>
                    new(handler(new StoreCall(call.Arguments, call.Items, call.SendAsync), cancellationToken)));
        _app = builder.Build();
        _app.MapBroker();
        await _app.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        _store.Dispose();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task It_has_the_methods_of_one_piece_and_those_of_many()
    {
        await using BrokerClient client =
            await BrokerClient.ConnectAsync(
                new BrokerClientOptions { Url = new UriBuilder(_app.Urls.Single()) { Scheme = "ws", Path = "/ws" }.Uri });
        var store = new StoreClient(client);
        using var target = new MemoryStream();

        await store.WriteAsync("a"u8.ToArray(), "short"u8.ToArray(), Durability.Memory);
        await store.Streams.WriteAsync("b"u8.ToArray(), new MemoryStream(new byte[300_000]), Durability.Memory);
        await store.Streams.ReadAsync("b"u8.ToArray(), target);

        Assert.Equal((2ul, 300_000), (await store.CountAsync(), target.Length));
    }

    [Fact]
    public void The_lines_of_the_docs_are_these()
    {
        string page = File.ReadAllText(Path.Combine(ProjectFolder.Path, "..", "docs", "EMBEDDING.md"));
        string compiled = File.ReadAllText(Path.Combine(ProjectFolder.Path, "AspNetCore", "EmbeddedStoreTests.cs"));
        string[] lines = [.. page.Split('\n').Select(static line => line.Trim()).Where(static line =>
            line.Contains("new StoreHandlers(", StringComparison.Ordinal) || line.Contains("new StoreStreams(", StringComparison.Ordinal)
                || line.Contains("new(handler(", StringComparison.Ordinal))];

        Assert.Equal(4, lines.Length);
        Assert.All(lines, line => Assert.Contains(line, compiled, StringComparison.Ordinal));
    }
}
