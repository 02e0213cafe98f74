using System.Net.Sockets;
using Broker.Core.Protocol.Messages;
using Broker.Tests.Support;
using Xunit;
using static Broker.Tests.Support.NativeClient;

namespace Broker.Tests.Streams;

/// <summary>What a publication allocates does not depend on how many listen.</summary>
public sealed class DeliveryAllocationTests
{
    private const int Publications = 200;

    [Theory, InlineData(true), InlineData(false)]
    public void A_delivery_to_one_more_listener_allocates_nothing(bool batched)
    {
        const int few = 2, many = 22;

        long difference = Measure(batched, many) - Measure(batched, few);

        int deliveries = Publications * (many - few);
        Assert.True(difference < deliveries, $"{deliveries} more deliveries allocated {difference} bytes more.");
    }

    private static long Measure(bool batched, int count)
    {
        using var hub = new HubHarness();
        NativeClient publisher = hub.ConnectNative(batched);
        NativeClient[] listeners = [.. Enumerable.Range(0, count).Select(_ => hub.ConnectNative(batched))];
        foreach (NativeClient listener in listeners)
        {
            listener.Send(Subscribe(1, "a"));
            Assert.StartsWith("subscribed", listener.Next(), StringComparison.Ordinal);
        }

        byte[] publish = HubClient.BinaryFrame(Publish(0, "a", new string('x', 100)));
        byte[] answer = new byte[1024];
        int expected = 2 + 1 + NativeWriter.SizeOf(new Delivery { Data = answer.AsSpan(0, 100) });
        return Allocations.Least(() =>
        {
            for (int i = 0; i < Publications; i++)
            {
                publisher.Frames.Socket.Send(publish, SocketFlags.None, out _);
                foreach (NativeClient listener in listeners) Receive(listener);
            }
        });

        void Receive(NativeClient listener)
        {
            int received = 0;
            for (int turn = 0; received == 0 && turn < 1000; turn++)
            {
                received = Math.Max(0, listener.Frames.Socket.Receive(answer, SocketFlags.None, out _));
                if (received == 0) hub.Loops[0].RunOnce(0);
            }

            if (received != expected) Assert.Fail($"A delivery of {received} bytes.");
        }
    }
}
