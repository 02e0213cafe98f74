using Broker.Reactor.Loops;
using Broker.Reactor.Sockets.Interop;

namespace Broker.Reactor.Sockets.Epoll;

/// <summary>A connection whose socket is in an epoll set.</summary>
internal sealed class EpollConnection : SocketConnection
{
    private readonly EpollReactor _reactor;

    internal EpollConnection(EpollReactor reactor, int descriptor, ConnectionId id)
        : base(reactor, descriptor, id) => _reactor = reactor;

    internal EpollEvents Interest { get; private set; } = EpollEvents.Readable;

    internal void OnReady(EpollEvents events)
    {
        if ((events & EpollEvents.Writable) != 0) OnWritable();
        if ((events & (EpollEvents.Readable | EpollEvents.Error | EpollEvents.HangUp)) == 0 || State == ConnectionState.Closed) return;
        if (MayRead) Read();
        else if ((events & (EpollEvents.Error | EpollEvents.HangUp)) != 0)
            OnSocketFailed("The socket failed while nothing was read from it.");
        else SetInterest(Interest & ~EpollEvents.Readable);
    }

    internal override void Watch() => _reactor.Watch(this);

    private protected override void WatchReading() => SetInterest(Interest | EpollEvents.Readable);

    private protected override void OnBlockedChanged(bool blocked) =>
        SetInterest(blocked ? Interest | EpollEvents.Writable : Interest & ~EpollEvents.Writable);

    private void SetInterest(EpollEvents interest)
    {
        if (interest == Interest || State == ConnectionState.Closed) return;
        Interest = interest;
        _reactor.ChangeInterest(this);
    }

    private protected override void Unwatch() => _reactor.Unwatch(this);

    private protected override void CloseDescriptor() => _ = Libc.Close(Descriptor);
}
