using System.Runtime.InteropServices;
using Broker.Reactor.Loops;
using Broker.Reactor.Sockets.Interop;

namespace Broker.Reactor.Sockets;

/// <summary>
/// The event loop over sockets: one thread, one receive scratch, one dense table of connections. How it waits and moves
/// bytes is its backend's: epoll or io_uring.
/// </summary>
public abstract unsafe class SocketReactor : EventLoop
{
    private const int AcceptsPerTurnMax = 256;

    private readonly AcceptPause _acceptPause;
    private DescriptorReserve? _reserve;      // From the first listener on.
    private int _lastAccepted;                // The number of the descriptor.
    private bool _disposed;

    private protected SocketReactor(int number, ReactorSettings settings, IConnectionAcceptor acceptor, TimeProvider time)
        : base(number, settings, acceptor, time)
    {
        if (!IsSupported) throw new PlatformNotSupportedException("The reactor needs Linux on x86-64.");
        Libc.BindAll();
        Scratch = GC.AllocateUninitializedArray<byte>(settings.ScratchBytes, pinned: true);
        Handshakes = new Handshaking(this, acceptor, settings);
        _acceptPause = new AcceptPause(this);
        WakeDescriptor = Libc.EventCreate(0, Libc.NonBlocking | Libc.CloseOnExec);
    }

    /// <summary>Whether this system can run it.</summary>
    public static bool IsSupported => OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.X64;

    internal byte[] Scratch { get; }

    internal Handshaking Handshakes { get; }

    /// <summary>What is accepted from; none before <see cref="Listen"/> and after the end of accepting.</summary>
    private protected ListeningSocket? Listener { get; private set; }

    private protected int WakeDescriptor { get; }

    /// <summary>Starts accepting from a listener. On the loop's thread, or before it runs.</summary>
    public void Listen(ListeningSocket listener)
    {
        ArgumentNullException.ThrowIfNull(listener);
        _reserve ??= DescriptorReserve.OfProcess;
        Listener = listener;
        WatchListener(listener);
    }

    /// <summary>Takes a connected socket as if it had been accepted. On the loop's thread, or before it runs.</summary>
    /// <param name="descriptor">Owned from now on.</param>
    public Connection Adopt(int descriptor) => Add(descriptor);

    private protected override void StopAccepting()
    {
        if (Listener is not { } listener) return;
        Listener = null;
        _acceptPause.Cancel();
        UnwatchListener(listener);
        listener.Close();
    }

    /// <summary>Takes the clients that wait, up to a bound: the others are reported again.</summary>
    private protected void Accept()
    {
        for (int i = 0; i < AcceptsPerTurnMax && Listener is not null; i++)
        {
            if (_lastAccepted >= _reserve!.ProbeFrom && !_reserve.HasRoom())
            {
                _acceptPause.Start(Listener);
                return;
            }

            int descriptor = Libc.Accept(Listener.Descriptor, null, null, Libc.NonBlocking | Libc.CloseOnExec);
            if (descriptor >= 0)
            {
                _lastAccepted = descriptor;
                if (_reserve.MayKeep(descriptor)) Add(descriptor);
                else _ = Libc.Close(descriptor);
                continue;
            }

            // Out of descriptors or memory: the waiting client stays in the kernel's queue, and the loop must not spin over it.
            Errno error = Libc.LastError;
            if (error is Errno.TooManyFiles or Errno.TooManyFilesInSystem) _reserve.BeginShortage();
            if (error is Errno.TooManyFiles or Errno.TooManyFilesInSystem or Errno.NoBuffers or Errno.OutOfMemory)
                _acceptPause.Start(Listener);
            return;
        }
    }

    private SocketConnection Add(int descriptor)
    {
        int on = 1;
        _ = Libc.SetSocketOption(descriptor, Libc.LevelTcp, Libc.TcpNoDelay, &on, sizeof(int));
        SocketConnection connection = Make(descriptor, Table.TakeId());
        Table.Add(connection);
        connection.Watch();
        return connection;
    }

    /// <summary>Whether a pause of accepting is under way.</summary>
    private protected bool IsAcceptPaused => _acceptPause.IsRunning;

    internal void ResumeAccepting(ListeningSocket listener)
    {
        if (ReferenceEquals(listener, Listener)) WatchListener(listener);
    }

    private protected void ClearWake()
    {
        ulong count;
        _ = Libc.Read(WakeDescriptor, &count, sizeof(ulong));
    }

    private protected override void Wake()
    {
        ulong one = 1;
        _ = Libc.Write(WakeDescriptor, &one, sizeof(ulong));
    }

    private protected abstract SocketConnection Make(int descriptor, ConnectionId id);

    /// <summary>Reports clients that wait to be accepted.</summary>
    private protected abstract void WatchListener(ListeningSocket listener);

    /// <summary>Reports them no more.</summary>
    internal abstract void UnwatchListener(ListeningSocket listener);

    /// <inheritdoc />
    public override void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        StopAccepting();
        base.Dispose();
        _ = Libc.Close(WakeDescriptor);
        CloseBackend();
        GC.SuppressFinalize(this);
    }

    private protected abstract void CloseBackend();
}
