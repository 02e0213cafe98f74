using System.Net;
using System.Runtime.InteropServices;

namespace Broker.Reactor.Sockets.Interop;

/// <summary>The system calls of the event loop, with the values Linux gives their flags.</summary>
/// <remarks>
/// Calls that never block skip the runtime's transition, which is worth a few percent at small messages; those that may
/// block take it, so that a collection never waits for a sleeping loop. Each returns -1 on failure: ask <see cref="LastError"/>.
/// </remarks>
internal static unsafe partial class Libc
{
    internal const int AddressFamilyInet = 2, AddressFamilyInet6 = 10, SocketStream = 1;
    internal const int NonBlocking = 0x800, CloseOnExec = 0x80000;
    internal const int LevelSocket = 1, LevelTcp = 6, LevelIpv6 = 41;
    internal const int ReuseAddress = 2, ReusePort = 15, TcpNoDelay = 1, Ipv6Only = 26, PendingError = 4;
    internal const int NoSignal = 0x4000, DontWait = 0x40, WaitAll = 0x100;
    internal const int ShutdownWrite = 1;
    internal const int DuplicateCloseOnExec = 1030;

    [LibraryImport("libc", EntryPoint = "socket")]
    internal static partial int Socket(int family, int type, int protocol);

    [LibraryImport("libc", EntryPoint = "setsockopt")]
    internal static partial int SetSocketOption(int descriptor, int level, int name, void* value, uint length);

    [LibraryImport("libc", EntryPoint = "bind")]
    internal static partial int Bind(int descriptor, void* address, uint length);

    [LibraryImport("libc", EntryPoint = "connect")]
    internal static partial int Connect(int descriptor, void* address, uint length);

    [LibraryImport("libc", EntryPoint = "poll")]
    internal static partial int PollDescriptors(PollDescriptor* descriptors, nuint count, int timeoutMilliseconds);

    [LibraryImport("libc", EntryPoint = "getsockopt")]
    internal static partial int GetSocketOption(int descriptor, int level, int name, void* value, uint* length);

    [LibraryImport("libc", EntryPoint = "listen")]
    internal static partial int Listen(int descriptor, int backlog);

    [LibraryImport("libc", EntryPoint = "accept4")]
    internal static partial int Accept(int descriptor, void* address, uint* length, int flags);

    [LibraryImport("libc", EntryPoint = "getsockname")]
    internal static partial int GetSocketName(int descriptor, void* address, uint* length);

    [LibraryImport("libc", EntryPoint = "getpeername")]
    internal static partial int GetPeerName(int descriptor, void* address, uint* length);

    [LibraryImport("libc", EntryPoint = "close")]
    internal static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "fcntl")]
    internal static partial int DescriptorControl(int descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "shutdown")]
    internal static partial int Shutdown(int descriptor, int how);

    [LibraryImport("libc", EntryPoint = "epoll_create1")]
    internal static partial int EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl")]
    internal static partial int EpollControl(int epoll, int operation, int descriptor, EpollEvent* change);

    [LibraryImport("libc", EntryPoint = "epoll_wait")]
    internal static partial int EpollWait(int epoll, EpollEvent* events, int count, int timeoutMilliseconds);

    [LibraryImport("libc", EntryPoint = "epoll_wait"), SuppressGCTransition]
    internal static partial int EpollPoll(int epoll, EpollEvent* events, int count, int zero);

    [LibraryImport("libc", EntryPoint = "eventfd")]
    internal static partial int EventCreate(uint value, int flags);

    [LibraryImport("libc", EntryPoint = "read"), SuppressGCTransition]
    internal static partial nint Read(int descriptor, void* target, nuint length);

    [LibraryImport("libc", EntryPoint = "write"), SuppressGCTransition]
    internal static partial nint Write(int descriptor, void* source, nuint length);

    [LibraryImport("libc", EntryPoint = "recv"), SuppressGCTransition]
    internal static partial nint Receive(int descriptor, void* target, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "send"), SuppressGCTransition]
    internal static partial nint Send(int descriptor, void* source, nuint length, int flags);

    [LibraryImport("libc", EntryPoint = "sendmsg"), SuppressGCTransition]
    internal static partial nint SendMessage(int descriptor, MessageHeader* message, int flags);

    /// <summary>A call that the library has no function for.</summary>
    [LibraryImport("libc", EntryPoint = "syscall")]
    internal static partial nint SystemCall(nint number, nint first, nint second, nint third, nint fourth, nint fifth, nint sixth);

    [LibraryImport("libc", EntryPoint = "mmap")]
    internal static partial void* Map(void* address, nuint length, int protection, int flags, int descriptor, long offset);

    [LibraryImport("libc", EntryPoint = "munmap")]
    internal static partial int Unmap(void* address, nuint length);

    /// <summary>The error of the last failed call on this thread.</summary>
    internal static Errno LastError => (Errno)Marshal.GetLastSystemError();

    /// <summary>
    /// Makes every call of the hot path once on bad descriptors, so that the dynamic linker has bound them: binding inside
    /// a call without the runtime's transition can overwrite the error of that call.
    /// </summary>
    internal static void BindAll()
    {
        MessageHeader none = default;
        _ = Marshal.GetLastSystemError();
        _ = Read(-1, null, 0);
        _ = Write(-1, null, 0);
        _ = Receive(-1, null, 0, 0);
        _ = Send(-1, null, 0, 0);
        _ = SendMessage(-1, &none, 0);
        _ = EpollPoll(-1, null, 0, 0);
        _ = LastError;
    }
}

/// <summary>The errors that the loop distinguishes.</summary>
internal enum Errno
{
    None = 0,
    NotPermitted = 1,
    Interrupted = 4,
    BadDescriptor = 9,
    TryAgain = 11,
    OutOfMemory = 12,
    AccessDenied = 13,
    InvalidArgument = 22,
    TooManyFilesInSystem = 23,
    TooManyFiles = 24,
    BrokenPipe = 32,
    NoSuchCall = 38,
    AddressInUse = 98,
    AddressNotAvailable = 99,
    NetworkUnreachable = 101,
    ConnectionAborted = 103,
    ConnectionReset = 104,
    NoBuffers = 105,
    NotConnected = 107,
    TimedOut = 110,
    ConnectionRefused = 111,
    HostUnreachable = 113,
    InProgress = 115,
    Cancelled = 125,
}

/// <summary>What epoll reports and is asked for.</summary>
[Flags]
internal enum EpollEvents : uint
{
    None = 0,
    Readable = 0x001,
    Writable = 0x004,
    Error = 0x008,
    HangUp = 0x010,
    PeerEnd = 0x2000,
}

/// <summary>The kernel's <c>epoll_event</c>, packed as x86-64 has it.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct EpollEvent
{
    internal EpollEvents Events;
    internal ulong Data;
}

/// <summary>The kernel's <c>pollfd</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct PollDescriptor
{
    internal const short Writable = 0x004;

    internal int Descriptor;
    internal short Events;
    internal short Returned;
}

/// <summary>The kernel's <c>iovec</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoVector
{
    internal void* Start;
    internal nuint Length;
}

/// <summary>The kernel's <c>msghdr</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct MessageHeader
{
    internal void* Name;
    internal uint NameLength;
    internal IoVector* Vectors;
    internal nuint VectorCount;
    internal void* Control;
    internal nuint ControlLength;
    internal int Flags;
}
