using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets.Interop;

namespace Broker.Reactor.Sockets.Epoll;

/// <summary>The reactor over epoll: one epoll set tells what is ready, and each read and write is a call of its own.</summary>
/// <remarks>
/// One read per readiness: what is left is reported again. After each served event the run queue is drained, so that an
/// answer is made while its connection is warm; what the whole turn wrote leaves at its end.
/// </remarks>
internal sealed unsafe class EpollReactor : SocketReactor
{
    private const int EventsMax = 1024;
    private const int AddOperation = 1, RemoveOperation = 2, ModifyOperation = 3;
    private const ulong WakeData = ulong.MaxValue;
    private const ulong ListenerData = ulong.MaxValue - 1;

    private readonly int _epoll;
    private readonly EpollEvent* _events;

    internal EpollReactor(int number, ReactorSettings settings, IConnectionAcceptor acceptor, TimeProvider time)
        : base(number, settings, acceptor, time)
    {
        _epoll = Libc.EpollCreate(Libc.CloseOnExec);
        _events = (EpollEvent*)NativeMemory.AlignedAlloc((nuint)(EventsMax * sizeof(EpollEvent)), 64);
        Control(AddOperation, WakeDescriptor, EpollEvents.Readable, WakeData);
    }

    private protected override bool Poll(int waitMilliseconds)
    {
        int count = waitMilliseconds == 0
            ? Libc.EpollPoll(_epoll, _events, EventsMax, 0)
            : Libc.EpollWait(_epoll, _events, EventsMax, waitMilliseconds);

        // A deadline that is set while serving counts from now, and not from before the sleep.
        if (waitMilliseconds != 0) NoteTime();

        for (int i = 0; i < count; i++)
        {
            ulong data = _events[i].Data;
            EpollEvents events = _events[i].Events;
            if (data == WakeData) ClearWake();
            else if (data == ListenerData) Accept();
            else Serve((int)(uint)data, (uint)(data >> 32), events);
            RunCaused();
        }

        return count > 0;
    }

    private void Serve(int slot, uint generation, EpollEvents events)
    {
        // An event of a connection that ended earlier in this very batch is no one's.
        if (!Table.TryFind(slot, generation, out Connection? found)) return;
        var connection = Unsafe.As<EpollConnection>(found);
        try
        {
            connection.OnReady(events);
        }
        catch (Exception failure)
        {
            Report(failure);
            connection.Abort(ClosureCause.SessionFailed, failure.Message);
        }
    }

    private protected override SocketConnection Make(int descriptor, ConnectionId id) => new EpollConnection(this, descriptor, id);

    private protected override void WatchListener(ListeningSocket listener) =>
        Control(AddOperation, listener.Descriptor, EpollEvents.Readable, ListenerData);

    internal override void UnwatchListener(ListeningSocket listener) => Control(RemoveOperation, listener.Descriptor, EpollEvents.None, 0);

    internal void Watch(EpollConnection connection) => Control(AddOperation, connection.Descriptor, connection.Interest, Data(connection));

    internal void ChangeInterest(EpollConnection connection) =>
        Control(ModifyOperation, connection.Descriptor, connection.Interest, Data(connection));

    internal void Unwatch(EpollConnection connection) => Control(RemoveOperation, connection.Descriptor, EpollEvents.None, 0);

    private static ulong Data(EpollConnection connection) => ((ulong)connection.Id.Generation << 32) | (uint)connection.Id.Slot;

    private void Control(int operation, int descriptor, EpollEvents events, ulong data)
    {
        EpollEvent change = new() { Events = events, Data = data };
        _ = Libc.EpollControl(_epoll, operation, descriptor, &change);
    }

    private protected override void CloseBackend()
    {
        _ = Libc.Close(_epoll);
        NativeMemory.AlignedFree(_events);
    }
}
