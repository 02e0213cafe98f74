using System.Runtime.InteropServices;

namespace Broker.Reactor.Sockets.IoUring;

/// <summary>The operations of io_uring that the loop asks for.</summary>
internal enum RingOperation : byte
{
    PollAdd = 6,
    AsyncCancel = 14,
    Close = 19,
    Send = 26,
    Receive = 27,
}

/// <summary>The kernel's <c>io_uring_sqe</c>: one request.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RingRequest
{
    internal RingOperation Operation;
    internal byte Flags;
    internal ushort Priority;          // Of receive: its own flags.
    internal int Descriptor;
    internal ulong Offset;
    internal ulong Address;
    internal uint Length;
    internal uint OperationFlags;      // Of poll: events; of send: message flags; of cancel: what to match.
    internal ulong Data;
    internal ushort BufferGroup;
    internal ushort Personality;
    internal int FileIndex;
    internal ulong Address3;
    internal ulong Padding;
}

/// <summary>The kernel's <c>io_uring_cqe</c>: what became of a request.</summary>
/// <param name="Data">What the request was marked with.</param>
/// <param name="Result">Bytes moved, or an error as a negative number.</param>
/// <param name="Flags">Whether more will come, and the buffer that was taken.</param>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct RingCompletion(ulong Data, int Result, uint Flags)
{
    private const uint BufferFlag = 1, MoreFlag = 2, BufferMoreFlag = 16;

    /// <summary>Whether a buffer of a group was taken; <see cref="Buffer"/> names it.</summary>
    internal bool HasBuffer => (Flags & BufferFlag) != 0;

    /// <summary>The number of the buffer.</summary>
    internal int Buffer => (int)(Flags >> 16);

    /// <summary>Whether the kernel goes on filling that buffer.</summary>
    internal bool BufferGoesOn => (Flags & BufferMoreFlag) != 0;

    /// <summary>Whether the request stays and completes again.</summary>
    internal bool GoesOn => (Flags & MoreFlag) != 0;
}

/// <summary>The kernel's <c>io_uring_buf</c>: one buffer that receives may take.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct RingBuffer
{
    internal ulong Address;
    internal uint Length;
    internal ushort Number;
    internal ushort Reserved;
}
