using System.Net;
using System.Net.Sockets;
using Broker.Reactor.Sockets.Interop;

namespace Broker.Reactor.Sockets;

/// <summary>A listening TCP socket that several loops can open on one address, each its own, so that the kernel spreads clients.</summary>
public sealed unsafe class ListeningSocket
{
    private ListeningSocket(int descriptor, IPEndPoint endPoint)
    {
        Descriptor = descriptor;
        EndPoint = endPoint;
    }

    /// <summary>The address, with the port that the system picked if 0 was asked for.</summary>
    public IPEndPoint EndPoint { get; }

    internal int Descriptor { get; }

    /// <summary>Opens one listener for each loop on the same address.</summary>
    /// <exception cref="SocketException">The address is taken, by whomever, or is not ours; the message names it.</exception>
    public static IReadOnlyList<ListeningSocket> OpenAll(IPEndPoint endPoint, int count, int backlog)
    {
        ArgumentNullException.ThrowIfNull(endPoint);

        var opened = new List<ListeningSocket>(count);
        try
        {
            opened.Add(OpenFirst(endPoint, backlog));
            for (int i = 1; i < count; i++) opened.Add(Listen(Bind(opened[0].EndPoint, shares: true), opened[0].EndPoint, backlog));
            return opened;
        }
        catch
        {
            foreach (ListeningSocket socket in opened) socket.Close();
            throw;
        }
    }

    // Sharing a port needs both sides to agree. The first listener listens before it agrees to share, so of two processes that
    // start in the same moment exactly one gets the port: the other's bind, or at the latest its listen, finds this one.
    private static ListeningSocket OpenFirst(IPEndPoint endPoint, int backlog)
    {
        ListeningSocket first = Listen(Bind(endPoint, shares: false), endPoint, backlog);
        int on = 1;
        if (Libc.SetSocketOption(first.Descriptor, Libc.LevelSocket, Libc.ReusePort, &on, sizeof(int)) != 0)
            throw Failed(first.Descriptor, endPoint);
        return first;
    }

    private static ListeningSocket Listen(int descriptor, IPEndPoint endPoint, int backlog)
    {
        if (Libc.Listen(descriptor, backlog) != 0) throw Failed(descriptor, endPoint);
        return new ListeningSocket(descriptor, SocketAddress.Own(descriptor));
    }

    private static int Bind(IPEndPoint endPoint, bool shares)
    {
        bool v6 = endPoint.AddressFamily == AddressFamily.InterNetworkV6;
        int descriptor =
            Libc.Socket(v6 ? Libc.AddressFamilyInet6 : Libc.AddressFamilyInet, Libc.SocketStream | Libc.NonBlocking | Libc.CloseOnExec, 0);
        if (descriptor < 0) throw Failed(descriptor, endPoint);

        int on = 1;
        int off = 0;
        byte* address = stackalloc byte[SocketAddress.BytesMax];
        uint length = SocketAddress.Write(endPoint, new Span<byte>(address, SocketAddress.BytesMax));
        if (v6) _ = Libc.SetSocketOption(descriptor, Libc.LevelIpv6, Libc.Ipv6Only, &off, sizeof(int));
        if (Libc.SetSocketOption(descriptor, Libc.LevelSocket, Libc.ReuseAddress, &on, sizeof(int)) != 0
            || (shares && Libc.SetSocketOption(descriptor, Libc.LevelSocket, Libc.ReusePort, &on, sizeof(int)) != 0)
            || Libc.Bind(descriptor, address, length) != 0)
        {
            throw Failed(descriptor, endPoint);
        }

        return descriptor;
    }

    private static SocketException Failed(int descriptor, IPEndPoint endPoint)
    {
        SocketError error = Libc.LastError switch
        {
            Errno.AddressInUse => SocketError.AddressAlreadyInUse,
            Errno.AddressNotAvailable => SocketError.AddressNotAvailable,
            Errno.AccessDenied => SocketError.AccessDenied,
            Errno.TooManyFiles or Errno.TooManyFilesInSystem => SocketError.TooManyOpenSockets,
            _ => SocketError.SocketError,
        };
        if (descriptor >= 0) _ = Libc.Close(descriptor);
        return new SocketException((int)error, $"Cannot listen on {endPoint}: {new SocketException((int)error).Message}.");
    }

    internal void Close() => _ = Libc.Close(Descriptor);
}
