using System.Text;
using Broker.Client;
using Broker.Core.Protocol.Messages;
using Broker.Core.Protocol.Store;
using Broker.Store;
using Broker.Tests.Store;

namespace Broker.Tests.Client;

/// <summary>The store's client against the store's own handlers, over the wire.</summary>
public sealed class StoreClientTests : ClientTest
{
    [Fact]
    public async Task Every_method_comes_through_to_the_store_and_back()
    {
        using var folder = new StoreFolder();
        using KeyedStore kept = folder.Open();
        await ConnectAsync();
        _ = AnswerAsync(new StoreHandlers(kept));
        var store = new StoreClient(Client);

        Assert.True(await store.IsEmptyAsync());
        ulong first = await store.WriteAsync("a"u8.ToArray(), "one"u8.ToArray(), Durability.Memory);
        ulong second = await store.WriteAsync(
            [new("b"u8.ToArray(), "two"u8.ToArray()), new("c"u8.ToArray(), Array.Empty<byte>()), new("a"u8.ToArray(), null)],
                Durability.Disk);

        Assert.True(second > first);
        Assert.Null(await store.ReadAsync("a"u8.ToArray()));
        Assert.Equal("two", Encoding.UTF8.GetString((await store.ReadAsync("b"u8.ToArray()))!.Value.Span));
        Assert.Equal(0, (await store.ReadAsync("c"u8.ToArray()))!.Value.Length);
        IReadOnlyList<ReadOnlyMemory<byte>?> values = await store.ReadAsync(["c"u8.ToArray(), "a"u8.ToArray(), "b"u8.ToArray()]);
        Assert.Equal([0, null, 3], values.Select(value => value?.Length));
        Assert.True(await store.ExistsAsync("b"u8.ToArray()));
        Assert.Equal(2ul, await store.CountAsync());
        Assert.True(await store.FileBytesAsync() > 0);
        Assert.True(await store.DeleteAsync("b"u8.ToArray(), Durability.System));
        Assert.False(await store.DeleteAsync("b"u8.ToArray(), Durability.System));
    }

    [Fact]
    public async Task A_scan_goes_through_all_pages()
    {
        using var folder = new StoreFolder();
        using KeyedStore kept = folder.Open();
        await kept.WriteAsync(
            [.. Enumerable.Range(0, 2500).Select(i => StoreChange.Put(StoreFolder.Bytes($"p{i:d5}"), StoreFolder.Bytes($"{i}")))],
                Durability.Memory);
        await ConnectAsync();
        _ = AnswerAsync(new StoreHandlers(kept));

        int seen = 0;
        await foreach (KeyValue entry in new StoreClient(Client).ScanAsync("p"u8.ToArray()))
        {
            Assert.Equal($"{seen++}", Encoding.UTF8.GetString(entry.Value.Span));
        }

        Assert.Equal(2500, seen);
    }

    // Plays the server's calls; ends with the connection.
    private async Task AnswerAsync(StoreHandlers handlers)
    {
        var methods = handlers.All.ToDictionary(method => MethodId.Of(method.Key), method => method.Value);
        while (true)
        {
            byte[] bytes = await Side.ReceiveAsync();
            (uint id, MethodId method, byte[] arguments) = Read(bytes, message =>
            {
                Call call = message.As<Call>();
                return (call.Id, call.Method, call.Arguments.ToArray());
            });
            ReadOnlyMemory<byte> result = await methods[method](arguments);
            await Side.SendAsync(NativeWriter.Message(new CallResult { Id = id, Data = result.Span }));
        }
    }
}
