using Broker.Reactor;
using Broker.Reactor.Loops;
using Broker.Tests.Support;

namespace Broker.Tests.Reactor.Sockets;

/// <summary>Tests that hold over every backend of the reactor: each has a class of its own, so that a failure names it.</summary>
/// <remarks>Where the kernel refuses io_uring, the class of that backend runs over epoll.</remarks>
/// <param name="backend">What the loops of the class run over.</param>
public abstract class BackendTest(ReactorBackend backend)
{
    private static readonly bool s_hasRing = ReactorFactory.CanUse(ReactorBackend.IoUring);

    internal LoopHarness NewHarness(ReactorSettings? settings = null, WebSocketEndpoint? endpoint = null) =>
        new((settings ?? new ReactorSettings()) with { Backend = s_hasRing ? backend : ReactorBackend.Epoll }, endpoint);
}
