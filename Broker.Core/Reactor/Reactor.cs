using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Broker.Core.Reactor.Native;

namespace Broker.Core.Reactor;

/// <summary>
/// The event loop over epoll: one thread, one epoll set, one receive scratch, one dense table of connections.
/// </summary>
/// <remarks>
/// One read per readiness: what is left is reported again. After each served event the run queue is drained, so that an
/// answer is made while its connection is warm; what the whole turn wrote leaves at its end.
/// </remarks>
public sealed unsafe class Reactor : EventLoop
{
    private const int EventsMax = 1024;
    private const int AcceptsPerTurnMax = 256;
    private const int AddOperation = 1, RemoveOperation = 2, ModifyOperation = 3;
    private const ulong WakeData = ulong.MaxValue;
    private const ulong ListenerData = ulong.MaxValue - 1;

    private readonly int _epoll;
    private readonly int _wake;
    private readonly EpollEvent* _events;
    private readonly AcceptPause _acceptPause;
    private ListeningSocket? _listener;
    private bool _disposed;

    /// <summary>Makes a loop; nothing runs until <see cref="EventLoop.Run"/> or <see cref="EventLoop.RunOnce"/>.</summary>
    /// <exception cref="PlatformNotSupportedException">This is not Linux on x86-64.</exception>
    public Reactor(int number, ReactorSettings settings, IConnectionAcceptor acceptor, TimeProvider time)
        : base(number, settings, acceptor, time)
    {
        if (!IsSupported) throw new PlatformNotSupportedException("The reactor needs Linux on x86-64.");
        Libc.BindAll();
        Scratch = GC.AllocateUninitializedArray<byte>(settings.ScratchBytes, pinned: true);
        Handshakes = new Handshaking(this, acceptor, settings);
        _acceptPause = new AcceptPause(this);
        _epoll = Libc.EpollCreate(Libc.CloseOnExec);
        _wake = Libc.EventCreate(0, Libc.NonBlocking | Libc.CloseOnExec);
        _events = (EpollEvent*)NativeMemory.AlignedAlloc((nuint)(EventsMax * sizeof(EpollEvent)), 64);
        Watch(_wake, EpollEvents.Readable, WakeData);
    }

    /// <summary>Whether this system can run it.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    internal byte[] Scratch { get; }

    internal Handshaking Handshakes { get; }

    /// <summary>Starts accepting from a listener. On the loop's thread, or before it runs.</summary>
    public void Listen(ListeningSocket listener)
    {
        ArgumentNullException.ThrowIfNull(listener);
        _listener = listener;
        Watch(listener.Descriptor, EpollEvents.Readable, ListenerData);
    }

    /// <summary>Takes a connected socket as if it had been accepted. On the loop's thread, or before it runs.</summary>
    /// <param name="descriptor">Owned from now on.</param>
    public Connection Adopt(int descriptor) => Add(descriptor);

    private protected override void StopAccepting() => CloseListener();

    private void CloseListener()
    {
        if (_listener is null) return;
        _acceptPause.Cancel();
        _listener.Close();
        _listener = null;
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
            RunQueued();
        }

        return count > 0;
    }

    private void Serve(int slot, uint generation, EpollEvents events)
    {
        // An event of a connection that ended earlier in this very batch is nobody's.
        if (!Table.TryFind(slot, generation, out Connection? found)) return;
        var connection = Unsafe.As<SocketConnection>(found);
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

    private void Accept()
    {
        for (int i = 0; i < AcceptsPerTurnMax && _listener is not null; i++)
        {
            int descriptor = Libc.Accept(_listener.Descriptor, null, null, Libc.NonBlocking | Libc.CloseOnExec);
            if (descriptor >= 0)
            {
                Add(descriptor);
                continue;
            }

            // Out of descriptors or memory: the waiting client stays in the kernel's queue, and the loop must not spin over it.
            if (Libc.LastError is Errno.TooManyFiles or Errno.TooManyFilesInSystem or Errno.NoBuffers or Errno.OutOfMemory) _acceptPause.Start(_listener);
            return;
        }
    }

    private SocketConnection Add(int descriptor)
    {
        int on = 1;
        _ = Libc.SetSocketOption(descriptor, Libc.LevelTcp, Libc.TcpNoDelay, &on, sizeof(int));
        var connection = new SocketConnection(this, descriptor, Table.TakeId());
        Table.Add(connection);
        Watch(descriptor, connection.Interest, Data(connection));
        return connection;
    }

    /// <summary>Watches a connection's socket no more, and frees its slot.</summary>
    internal void Forget(SocketConnection connection)
    {
        if (Remove(connection)) Unwatch(connection.Descriptor);
    }

    internal void ChangeInterest(SocketConnection connection)
    {
        EpollEvent change = new() { Events = connection.Interest, Data = Data(connection) };
        _ = Libc.EpollControl(_epoll, ModifyOperation, connection.Descriptor, &change);
    }

    private static ulong Data(SocketConnection connection) => ((ulong)connection.Id.Generation << 32) | (uint)connection.Id.Slot;

    internal void Watch(int descriptor, EpollEvents events, ulong data)
    {
        EpollEvent added = new() { Events = events, Data = data };
        _ = Libc.EpollControl(_epoll, AddOperation, descriptor, &added);
    }

    internal void WatchListenerAgain(ListeningSocket listener)
    {
        if (ReferenceEquals(listener, _listener)) Watch(listener.Descriptor, EpollEvents.Readable, ListenerData);
    }

    internal void Unwatch(int descriptor)
    {
        EpollEvent none = default;
        _ = Libc.EpollControl(_epoll, RemoveOperation, descriptor, &none);
    }

    private void ClearWake()
    {
        ulong count;
        _ = Libc.Read(_wake, &count, sizeof(ulong));
    }

    private protected override void Wake()
    {
        ulong one = 1;
        _ = Libc.Write(_wake, &one, sizeof(ulong));
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        CloseListener();
        base.Dispose();
        _ = Libc.Close(_epoll);
        _ = Libc.Close(_wake);
        NativeMemory.AlignedFree(_events);
    }
}
