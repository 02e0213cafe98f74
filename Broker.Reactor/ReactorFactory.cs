using Broker.Reactor.Loops;
using Broker.Reactor.Sockets;
using Broker.Reactor.Sockets.Epoll;
using Broker.Reactor.Sockets.IoUring;

namespace Broker.Reactor;

/// <summary>Creates event loops over sockets with the backend that the settings name.</summary>
public static class ReactorFactory
{
    /// <summary>Whether this system can run a reactor with a backend.</summary>
    public static bool CanUse(ReactorBackend backend) =>
        SocketReactor.IsSupported && (backend != ReactorBackend.IoUring || Ring.IsSupported);

    /// <summary>Creates a loop; nothing runs until <see cref="EventLoop.Run"/> or <see cref="EventLoop.RunOnce"/>.</summary>
    /// <exception cref="PlatformNotSupportedException">
    /// This is not Linux on x86-64, or its kernel refuses io_uring: the message says why.
    /// </exception>
    public static SocketReactor Create(int number, ReactorSettings settings, IConnectionAcceptor acceptor, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(settings);
        return settings.Backend == ReactorBackend.IoUring || (settings.Backend == ReactorBackend.Auto && Ring.IsSupported)
            ? new RingReactor(number, settings, acceptor, time)
            : new EpollReactor(number, settings, acceptor, time);
    }
}
