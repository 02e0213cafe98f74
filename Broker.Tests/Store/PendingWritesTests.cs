using Broker.Core.Protocol.Calls;
using Broker.Core.Protocol.Messages;
using Broker.Host.Store;

namespace Broker.Tests.Store;

/// <summary>How much of the store's queue the clients of one address may fill.</summary>
public sealed class PendingWritesTests
{
    private readonly PendingWrites _writes = new(bytesMax: 1000);
    private readonly TaskCompletionSource<ReadOnlyMemory<byte>> _disk = new();

    private Task<ReadOnlyMemory<byte>> Write(string client, string address, long bytes) =>
        _writes.Begin(client, address, bytes, () => _disk.Task);

    [Fact]
    public async Task Clients_of_one_address_fill_half_of_the_queue()
    {
        Task<ReadOnlyMemory<byte>> first = Write("a", "192.0.2.1", 300), second = Write("b", "192.0.2.1", 200);

        CallFaultException refused = await Assert.ThrowsAsync<CallFaultException>(() => Write("c", "192.0.2.1", 1));
        Task<ReadOnlyMemory<byte>> other = Write("d", "192.0.2.2", 1);
        Assert.Equal(FaultCode.Overloaded, refused.Code);
        Assert.Contains("at most 500", refused.Message, StringComparison.Ordinal);

        _disk.SetResult(default);
        await Task.WhenAll(first, second, other);
        await _writes.WhenDoneAsync("a");
        await Write("c", "192.0.2.1", 500);
    }

    [Fact]
    public async Task One_write_alone_may_have_any_length()
    {
        Task<ReadOnlyMemory<byte>> all = Write("a", "192.0.2.1", 5000);
        await Assert.ThrowsAsync<CallFaultException>(() => Write("a", "192.0.2.1", 1));
        _disk.SetResult(default);
        await all;
    }
}
