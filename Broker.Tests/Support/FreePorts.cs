using System.Net;
using System.Net.Sockets;

namespace Broker.Tests.Support;

/// <summary>
/// Ports for programs that are told theirs, or listen at the same one again after they ended. They lie below those that the system
/// gives to outgoing connections, so that no connection of another test takes one meanwhile.
/// </summary>
internal static class FreePorts
{
    private const int First = 12_000, Count = 18_000;     // Linux gives 32768 and above to outgoing connections.

    private static int s_next = Random.Shared.Next(Count);

    /// <summary>A port of the loopback address that is free now, and another each time.</summary>
    public static int Take()
    {
        while (true)
        {
            int port = First + (int)((uint)Interlocked.Increment(ref s_next) % Count);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // Taken.
            }
        }
    }
}
