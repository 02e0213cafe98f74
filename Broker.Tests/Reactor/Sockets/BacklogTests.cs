using Broker.Core.Buffers;
using Broker.Tests.Support;

namespace Broker.Tests.Reactor.Sockets;

/// <summary>What a client that asks and does not read makes the hub hold.</summary>
public sealed class BacklogTests
{
    private readonly FakeLoop _loop = new();

    [Fact]
    public void Small_replies_in_a_backlog_hold_about_as_many_bytes_as_are_counted()
    {
        var connection = new FakeConnection(_loop);
        for (int i = 0; i < 500; i++) Reply(connection, bytes: 20);

        // A buffer for each would be 500 of 256 bytes; behind each other they are 10,000 bytes in buffers of a kibibyte.
        Assert.Equal(500 * 20, connection.QueuedBytes);
        Assert.InRange(_loop.Pool.Outstanding, 1, 15);
    }

    [Fact]
    public void Bytes_that_are_shared_are_held_and_not_copied()
    {
        FakeConnection first = new(_loop, 0), second = new(_loop, 1);
        SharedBytes shared = SharedBytes.Rent(_loop.Pool, 20);
        shared.Append(new byte[20]);
        SharedBytes other = shared.AddRef();
        Reply(first, bytes: 20);
        Reply(second, bytes: 20);
        int before = _loop.Pool.Outstanding;

        first.Write(shared, 0);
        second.Write(other, 0);
        shared.Release();
        other.Release();

        Assert.Equal(before, _loop.Pool.Outstanding);
    }

    private void Reply(FakeConnection connection, int bytes)
    {
        SharedBytes reply = SharedBytes.Rent(_loop.Pool, bytes);
        reply.Append(new byte[bytes]);
        connection.Write(reply, 0);
        reply.Release();
    }
}
