using System.Runtime.InteropServices;
using Broker.Core.Framing;
using Broker.Core.Reactor.Native;

namespace Broker.Core.Reactor;

/// <summary>
/// The event loop over epoll: one thread, one epoll set, one receive scratch, one dense table of connections.
/// </summary>
/// <remarks>
/// One read per readiness: what is left is reported again. After each served event the run queue is drained, so that an
/// answer is made while its connection is warm; what the whole turn wrote leaves at its end.
/// </remarks>
public sealed unsafe class Reactor : EventLoop, IDisposable
{
    private const int EventsMax = 1024;
    private const int AcceptsPerTurnMax = 256;
    private const int AddOperation = 1, RemoveOperation = 2, ModifyOperation = 3;
    private const ulong WakeData = ulong.MaxValue;
    private const ulong ListenerData = ulong.MaxValue - 1;

    private readonly int _epoll;
    private readonly int _wake;
    private readonly EpollEvent* _events;
    private readonly IConnectionAcceptor _acceptor;
    private readonly AcceptPause _acceptPause;
    private ListeningSocket? _listener;
    private SocketConnection?[] _table = new SocketConnection?[1024];
    private uint[] _generations = new uint[1024];
    private readonly Stack<int> _free = new();
    private int _tableUsed;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _draining;
    private bool _stopped;
    private bool _disposed;

    /// <summary>Makes a loop; nothing runs until <see cref="Run"/> or <see cref="EventLoop.RunOnce"/>.</summary>
    /// <exception cref="PlatformNotSupportedException">This is not Linux on x86-64.</exception>
    public Reactor(int number, ReactorSettings settings, IConnectionAcceptor acceptor, TimeProvider time)
        : base(number, time)
    {
        if (!IsSupported) throw new PlatformNotSupportedException("The reactor needs Linux on x86-64.");
        ArgumentNullException.ThrowIfNull(settings);
        Settings = settings;
        _acceptor = acceptor;
        Libc.BindAll();
        Scratch = GC.AllocateUninitializedArray<byte>(settings.ScratchBytes, pinned: true);
        Turn = new Turn(Pool);
        Handshakes = new Handshaking(this, acceptor, settings);
        _acceptPause = new AcceptPause(this);
        _epoll = Libc.EpollCreate(Libc.CloseOnExec);
        _wake = Libc.EventCreate(0, Libc.NonBlocking | Libc.CloseOnExec);
        _events = (EpollEvent*)NativeMemory.AlignedAlloc((nuint)(EventsMax * sizeof(EpollEvent)), 64);
        Watch(_wake, EpollEvents.Readable, WakeData);
    }

    /// <summary>Whether this system can run it.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    /// <summary>Connections in every stage, handshaking and lingering ones too.</summary>
    public int Connections { get; private set; }

    internal ReactorSettings Settings { get; }

    internal byte[] Scratch { get; }

    internal Turn Turn { get; }

    internal Handshaking Handshakes { get; }

    internal (byte[] Array, int Start, int Length)[] Segments { get; } = new (byte[], int, int)[64];

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

    /// <summary>Runs until <see cref="Stop"/>.</summary>
    public void Run()
    {
        while (!_stopped) RunOnce(-1);
    }

    /// <summary>Accepts no more, and says goodbye to every client. From any thread.</summary>
    /// <returns>Done when the last connection is gone.</returns>
    public Task DrainAsync()
    {
        Post(static reactor => ((Reactor)reactor).Drain(), this);
        return _drained.Task;
    }

    /// <summary>Ends what connections are left, without goodbye. From any thread.</summary>
    public void Abandon() => Post(static reactor => ((Reactor)reactor).AbandonHere(), this);

    /// <summary>Ends the loop after this turn. From any thread.</summary>
    public void Stop() => Post(static reactor => ((Reactor)reactor)._stopped = true, this);

    private void Drain()
    {
        _draining = true;
        CloseListener();
        for (int slot = 0; slot < _tableUsed; slot++)
        {
            if (_table[slot] is not { } connection) continue;
            if (connection.IsOpen) connection.Close(ClosureCause.Shutdown, connection.Endpoint!.ShutdownCode, connection.Endpoint.ShutdownReason);
            else if (connection.State == ConnectionState.Handshaking) Handshakes.TurnAway(connection);
        }

        CompleteDrain();
    }

    private void CompleteDrain()
    {
        if (_draining && Connections == 0) _drained.TrySetResult();
    }

    private void AbandonHere()
    {
        for (int slot = 0; slot < _tableUsed; slot++) _table[slot]?.Abort(ClosureCause.Shutdown, "The loop stopped.");
    }

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
        if (_generations[slot] != generation || _table[slot] is not { } connection) return;
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
        int slot = _free.TryPop(out int free) ? free : _tableUsed++;
        if (slot == _table.Length)
        {
            Array.Resize(ref _table, slot * 2);
            Array.Resize(ref _generations, slot * 2);
        }

        var connection = new SocketConnection(this, descriptor, new ConnectionId(slot, _generations[slot], Number));
        _table[slot] = connection;
        Connections++;
        Watch(descriptor, connection.Interest, Data(connection));
        return connection;
    }

    /// <summary>Takes a connection out of the table; its slot's next holder has another generation.</summary>
    internal void Forget(SocketConnection connection)
    {
        int slot = connection.Id.Slot;
        if (!ReferenceEquals(_table[slot], connection)) return;
        EpollEvent none = default;
        _ = Libc.EpollControl(_epoll, RemoveOperation, connection.Descriptor, &none);
        _table[slot] = null;
        _generations[slot]++;
        _free.Push(slot);
        Connections--;
        CompleteDrain();
    }

    internal void ChangeInterest(SocketConnection connection)
    {
        EpollEvent change = new() { Events = connection.Interest, Data = Data(connection) };
        _ = Libc.EpollControl(_epoll, ModifyOperation, connection.Descriptor, &change);
    }

    internal void Announce(Connection connection, Closure closure)
    {
        try
        {
            _acceptor.Ended(connection, closure);
        }
        catch (Exception failure)
        {
            Report(failure);
        }
    }

    /// <summary>Finds a connection by its id; none once it has ended, even if its slot is taken again.</summary>
    public Connection? Find(ConnectionId id) =>
        id.Loop == Number && (uint)id.Slot < (uint)_tableUsed && _generations[id.Slot] == id.Generation ? _table[id.Slot] : null;

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

    /// <summary>Gives the system's resources back. Only after the loop has ended.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        CloseListener();
        AbandonHere();
        _ = Libc.Close(_epoll);
        _ = Libc.Close(_wake);
        NativeMemory.AlignedFree(_events);
    }
}
