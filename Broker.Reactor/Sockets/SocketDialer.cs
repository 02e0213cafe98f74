using System.Net;
using System.Net.Sockets;
using Broker.Reactor.Sockets.Interop;

namespace Broker.Reactor.Sockets;

/// <summary>Connects sockets for loops to adopt.</summary>
public static unsafe class SocketDialer
{
    /// <summary>Connects a TCP socket, on a thread of the pool.</summary>
    /// <param name="endPoint">Whom to connect to.</param>
    /// <param name="limit">How long that may take.</param>
    /// <returns>The descriptor, for <see cref="SocketReactor.AdoptBytes"/>; the caller's until then.</returns>
    /// <exception cref="SocketException">No one answered in time, or someone refused; the message names the address.</exception>
    public static Task<int> DialAsync(IPEndPoint endPoint, TimeSpan limit)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        return Task.Run(() => Dial(endPoint, limit));
    }

    /// <summary>Closes a descriptor that no loop has adopted.</summary>
    public static void Close(int descriptor) => _ = Libc.Close(descriptor);

    private static int Dial(IPEndPoint endPoint, TimeSpan limit)
    {
        bool v6 = endPoint.AddressFamily == AddressFamily.InterNetworkV6;
        int descriptor =
            Libc.Socket(v6 ? Libc.AddressFamilyInet6 : Libc.AddressFamilyInet, Libc.SocketStream | Libc.NonBlocking | Libc.CloseOnExec, 0);
        if (descriptor < 0) throw Failed(endPoint, SystemError());
        Errno error = Connect(descriptor, endPoint, limit);
        if (error == Errno.None) return descriptor;
        _ = Libc.Close(descriptor);
        throw Failed(endPoint, error);
    }

    private static Errno Connect(int descriptor, IPEndPoint endPoint, TimeSpan limit)
    {
        byte* address = stackalloc byte[SocketAddress.BytesMax];
        uint length = SocketAddress.Write(endPoint, new Span<byte>(address, SocketAddress.BytesMax));
        if (Libc.Connect(descriptor, address, length) == 0) return Errno.None;
        if (SystemError() is not Errno.InProgress and var error) return error;

        var waited = new PollDescriptor { Descriptor = descriptor, Events = PollDescriptor.Writable };
        int ready = Libc.PollDescriptors(&waited, 1, (int)limit.TotalMilliseconds);
        if (ready == 0) return Errno.TimedOut;
        if (ready < 0) return SystemError();
        int pending = 0;
        uint size = sizeof(int);
        return Libc.GetSocketOption(descriptor, Libc.LevelSocket, Libc.PendingError, &pending, &size) == 0 ? (Errno)pending : SystemError();
    }

    private static Errno SystemError() => Libc.LastError;

    private static SocketException Failed(IPEndPoint endPoint, Errno error)
    {
        SocketError known = error switch
        {
            Errno.ConnectionRefused => SocketError.ConnectionRefused,
            Errno.HostUnreachable => SocketError.HostUnreachable,
            Errno.NetworkUnreachable => SocketError.NetworkUnreachable,
            Errno.TimedOut => SocketError.TimedOut,
            Errno.TooManyFiles or Errno.TooManyFilesInSystem => SocketError.TooManyOpenSockets,
            _ => SocketError.SocketError,
        };
        return new SocketException((int)known, $"Cannot connect to {endPoint}: {new SocketException((int)known).Message}.");
    }
}
