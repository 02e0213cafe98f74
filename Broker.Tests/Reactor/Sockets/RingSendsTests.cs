using Broker.Core.Buffers;
using Broker.Reactor.Sockets.IoUring;
using Xunit;

namespace Broker.Tests.Reactor.Sockets;

/// <summary>The ledger of sends. Where the kernel refuses io_uring there is none, and nothing to show.</summary>
public sealed class RingSendsTests
{
    private const int Sends = 1000;
    private const uint FirstMark = uint.MaxValue - 300;    // The ring's counter begins anew within them.

    [Fact]
    public void Bytes_are_held_until_their_send_is_settled_and_no_longer()
    {
        if (!Ring.IsSupported) return;
        using var ring = new Ring();
        using var buffers = new ReceiveBuffers(ring, 4096);
        var sends = new RingSends(buffers);
        var pool = new BufferPool();
        var bytes = new SharedBytes[Sends];
        long[] numbers = new long[Sends];
        for (int i = 0; i < Sends; i++)
        {
            bytes[i] = SharedBytes.Rent(pool, 16);
            numbers[i] = sends.Begin(bytes[i], unchecked(FirstMark + (uint)i));
        }

        foreach (int settled in new[] { 0, 1, 299, 302, 700, Sends })
        {
            if (settled > 0) sends.Settle(unchecked(FirstMark + (uint)settled - 1));
            for (int i = 0; i < Sends; i++)
            {
                Assert.Equal(i >= settled, sends.IsUnderWay(numbers[i]));
                Assert.Equal(i < settled, bytes[i].IsPrivate);
            }
        }

        Assert.False(sends.HasAny);
    }

    [Fact]
    public void A_full_receive_buffer_is_offered_again_when_its_last_send_is_settled()
    {
        if (!Ring.IsSupported) return;
        using var ring = new Ring();
        using var buffers = new ReceiveBuffers(ring, 4096);
        var sends = new RingSends(buffers);

        Assert.Equal(0, buffers.Take(3, 96, goesOn: true));
        sends.Begin(3, mark: 1);
        buffers.Release(3);
        Assert.Equal(96, buffers.Take(3, 4000, goesOn: false));
        sends.Begin(3, mark: 2);
        buffers.Release(3);

        sends.Settle(1);
        Assert.Equal(4096, buffers.Take(3, 0, goesOn: false));    // Still where it was,
        buffers.Release(3);
        sends.Settle(2);
        Assert.Equal(0, buffers.Take(3, 0, goesOn: true));        // and now from its start.
    }
}
