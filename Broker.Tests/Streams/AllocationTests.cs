using Broker.Dialects.Echo;
using Broker.Dialects;
using System.Net.Sockets;
using Broker.Actors.Settings;
using Broker.Tests.Support;
using Xunit;

namespace Broker.Tests.Streams;

public sealed class AllocationTests
{
    private const int Messages = 4000;

    [Fact]
    public void An_echo_through_the_whole_flow_allocates_nothing()
    {
        using var hub = new HubHarness(new StandardSettings { Echo = new EchoSettings { Enabled = true } });
        HubClient client = hub.Dial(path: "/echo");
        byte[] message = HubClient.Frame(new string('x', 100));
        byte[] answer = new byte[message.Length];

        long allocated = Allocations.Least(() => Echo(Messages));    // The first run fills pools and compiles methods.

        Assert.True(allocated <= Messages, $"{Messages} echoes allocated {allocated} bytes.");

        void Echo(int count)
        {
            for (int i = 0; i < count; i++)
            {
                client.Socket.Send(message, SocketFlags.None, out _);
                int received = 0;
                for (int turn = 0; received == 0 && turn < 1000; turn++)
                {
                    hub.Loops[0].RunOnce(0);
                    received = Math.Max(0, client.Socket.Receive(answer, SocketFlags.None, out SocketError error));
                }

                if (received != message.Length - 4) Assert.Fail($"An echo of {received} bytes.");
            }
        }
    }
}
