using Broker.Core.Protocol.Calls;

namespace Broker.Tests.Protocol.Calls;

public sealed class UnreadItemsTests
{
    [Fact]
    public async Task A_reader_that_pauses_is_still_counted()
    {
        var taken = new List<(int Items, int Bytes)>();
        var items = new UnreadItems(window: 4, (count, bytes) => taken.Add((count, bytes)));
        for (int i = 0; i < 4; i++) Assert.True(items.TryAdd(new byte[10]));
        Assert.False(items.TryAdd(new byte[10]));

        for (int i = 0; i < 4; i++) await TakeOneAsync(items);

        Assert.Equal([(2, 20), (2, 20)], taken);
    }

    [Fact]
    public async Task An_item_counts_when_its_reader_has_done_with_it()
    {
        var taken = new List<int>();
        var items = new UnreadItems(window: 1, (count, _) => taken.Add(count));
        items.TryAdd(new byte[1]);
        items.End();
        await using IAsyncEnumerator<ReadOnlyMemory<byte>> reading = items.ReadAsync(default).GetAsyncEnumerator();

        Assert.True(await reading.MoveNextAsync());
        Assert.Empty(taken);
        Assert.False(await reading.MoveNextAsync());
        Assert.Equal([1], taken);
    }

    private static async Task TakeOneAsync(UnreadItems items)
    {
        await foreach (ReadOnlyMemory<byte> _ in items.ReadAsync(default)) break;
    }
}
