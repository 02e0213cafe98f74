using System.Runtime.InteropServices;
using Broker.Reactor.Sockets.Interop;

namespace Broker.Reactor.Sockets.IoUring;

/// <summary>One io_uring: requests are prepared in shared memory, and one call hands them over and brings completions.</summary>
/// <remarks>
/// Completions are made only inside <see cref="Enter"/> (DEFER_TASKRUN), by the one thread that enters first
/// (SINGLE_ISSUER): until then it belongs to no one.
/// </remarks>
internal sealed unsafe class Ring : IDisposable
{
    private const int PageBytes = 4096;
    private const int Requests = 4096, Completions = 16384;
    private const int SetupCall = 425, EnterCall = 426, RegisterCall = 427;
    private const uint SizedCompletions = 1 << 3, StartsDisabled = 1 << 6, SubmitAll = 1 << 7, TaskRunFlag = 1 << 9;
    private const uint SingleIssuer = 1 << 12, DeferTaskRun = 1 << 13, NoRequestArray = 1 << 16;
    private const uint GetEvents = 1, ExtendedArgument = 1 << 3;
    private const uint NeedsOverflowFlush = 1 << 1, NeedsTaskRun = 1 << 2;
    private const int EnableRings = 12, RegisterBuffers = 22;
    private const ushort IncrementalBuffers = 2;
    private const long RequestsOffset = 0x1000_0000;
    private const int ReadWrite = 3, SharedPopulated = 0x8001;

    private readonly int _descriptor;
    private readonly byte* _rings;
    private readonly nuint _ringsBytes;
    private readonly RingRequest* _requests;
    private readonly uint* _requestHead, _requestTail, _requestFlags;
    private readonly uint* _completionHead, _completionTail;
    private readonly RingCompletion* _completions;
    private readonly uint _requestMask, _completionMask;
    private uint _prepared;    // The tail as we know it, ahead of what the kernel has seen.
    private uint _submitted;
    private uint _taken;       // The head of the completions as we know it.
    private bool _enabled;

    /// <summary>Whether the kernel has all that is needed, and lets this process use it. Tried once.</summary>
    internal static bool IsSupported { get; } = Try();

    /// <exception cref="PlatformNotSupportedException">The kernel has no such io_uring, or does not let this process use it.</exception>
    internal Ring()
    {
        Parameters asked = default;
        asked.CompletionEntries = Completions;
        asked.Flags = SizedCompletions | StartsDisabled | SubmitAll | TaskRunFlag | SingleIssuer | DeferTaskRun | NoRequestArray;
        _descriptor = (int)Libc.SystemCall(SetupCall, Requests, (nint)(&asked), 0, 0, 0, 0);
        if (_descriptor < 0) throw Unsupported("io_uring_setup", Libc.LastError);

        // With the array of indices gone, both rings end where the completions end.
        _ringsBytes = (nuint)(asked.CompletionOffsets.Entries + (asked.CompletionEntries * (uint)sizeof(RingCompletion)));
        _rings = Map(_ringsBytes, 0);
        _requests = (RingRequest*)Map((nuint)(asked.RequestEntries * (uint)sizeof(RingRequest)), RequestsOffset);
        _requestHead = (uint*)(_rings + asked.RequestOffsets.Head);
        _requestTail = (uint*)(_rings + asked.RequestOffsets.Tail);
        _requestFlags = (uint*)(_rings + asked.RequestOffsets.Flags);
        _requestMask = *(uint*)(_rings + asked.RequestOffsets.Mask);
        _completionHead = (uint*)(_rings + asked.CompletionOffsets.Head);
        _completionTail = (uint*)(_rings + asked.CompletionOffsets.Tail);
        _completionMask = *(uint*)(_rings + asked.CompletionOffsets.Mask);
        _completions = (RingCompletion*)(_rings + asked.CompletionOffsets.Entries);
        _prepared = _submitted = *_requestTail;
        _taken = *_completionHead;
    }

    /// <summary>Whether entering would do anything.</summary>
    internal bool HasWork => HasRequests || (Volatile.Read(ref *_requestFlags) & (NeedsTaskRun | NeedsOverflowFlush)) != 0;

    /// <summary>Whether requests are prepared and not handed over.</summary>
    internal bool HasRequests => _prepared != _submitted;

    /// <summary>How many requests are prepared and not handed over.</summary>
    internal uint RequestsPrepared => _prepared - _submitted;

    /// <summary>Whether there were more completions than there is room for: the rest comes with a later <see cref="Enter"/>.</summary>
    internal bool HasOverflow => (Volatile.Read(ref *_requestFlags) & NeedsOverflowFlush) != 0;

    /// <summary>Whether completions wait.</summary>
    internal bool HasCompletions => _taken != CompletionsEnd;

    /// <summary>How many completions wait.</summary>
    internal uint CompletionsWaiting => CompletionsEnd - _taken;

    /// <summary>A cleared request to be filled; it is handed over by the next call of <see cref="Enter"/>.</summary>
    internal RingRequest* Prepare()
    {
        if (_prepared - Volatile.Read(ref *_requestHead) > _requestMask) Enter(0, 0);
        RingRequest* request = &_requests[_prepared & _requestMask];
        *request = default;
        _prepared++;
        return request;
    }

    /// <summary>Where the requests prepared so far end.</summary>
    internal uint Mark => _prepared;

    /// <summary>Where the requests that have been handed over end.</summary>
    internal uint Submitted => _submitted;

    /// <summary>Hands over what is prepared, and lets the kernel complete what it can.</summary>
    /// <param name="completionsMin">1 waits until there is a completion; 0 never blocks.</param>
    /// <param name="waitMilliseconds">The longest wait; -1 is for ever.</param>
    internal void Enter(uint completionsMin, int waitMilliseconds)
    {
        Enable();
        uint count = _prepared - _submitted;
        Volatile.Write(ref *_requestTail, _prepared);
        var time = new KernelTime { Seconds = waitMilliseconds / 1000, Nanoseconds = waitMilliseconds % 1000 * 1_000_000L };
        var argument = new EventsArgument { Time = waitMilliseconds < 0 ? 0 : (ulong)&time };
        bool timed = completionsMin > 0;
        _ = Libc.SystemCall(
            EnterCall,
            _descriptor,
            (nint)count,
            (nint)completionsMin,
            (nint)(timed ? GetEvents | ExtendedArgument : GetEvents),
            timed ? (nint)(&argument) : 0,
            timed ? sizeof(EventsArgument) : 0);
        _submitted = Volatile.Read(ref *_requestHead);
    }

    /// <summary>Where the completions that have come end.</summary>
    internal uint CompletionsEnd => Volatile.Read(ref *_completionTail);

    /// <summary>A completion that has come and was not taken yet.</summary>
    internal RingCompletion Peek(uint number) => _completions[number & _completionMask];

    /// <summary>Takes the next completion before an end.</summary>
    internal bool TryTake(uint end, out RingCompletion completion)
    {
        if (_taken == end)
        {
            completion = default;
            return false;
        }

        completion = _completions[_taken & _completionMask];
        Volatile.Write(ref *_completionHead, ++_taken);
        return true;
    }

    /// <summary>Makes an array of buffers one that receives take from.</summary>
    /// <param name="buffers">Page-aligned; must outlive the ring.</param>
    /// <param name="count">A power of two.</param>
    /// <param name="group">What receives name it by.</param>
    /// <exception cref="PlatformNotSupportedException">
    /// The kernel is older than 6.12, which brought buffers that are filled bit by bit.
    /// </exception>
    internal void Register(RingBuffer* buffers, int count, ushort group)
    {
        var registration =
            new BufferRegistration { Address = (ulong)buffers, Entries = (uint)count, Group = group, Flags = IncrementalBuffers };
        if (Libc.SystemCall(RegisterCall, _descriptor, RegisterBuffers, (nint)(&registration), 1, 0, 0) < 0)
            throw Unsupported("io_uring_register", Libc.LastError);
    }

    private static bool Try()
    {
        try
        {
            using var ring = new Ring();
            using var buffers = new ReceiveBuffers(ring, PageBytes);
            return true;
        }
        catch (PlatformNotSupportedException)
        {
            return false;
        }
    }

    // From here on it belongs to the calling thread.
    private void Enable()
    {
        if (_enabled) return;
        _enabled = true;
        if (Libc.SystemCall(RegisterCall, _descriptor, EnableRings, 0, 0, 0, 0) < 0) throw Unsupported("io_uring_register", Libc.LastError);
    }

    private byte* Map(nuint bytes, long offset)
    {
        void* address = Libc.Map(null, bytes, ReadWrite, SharedPopulated, _descriptor, offset);
        return address == (void*)-1 ? throw Unsupported("mmap", Libc.LastError) : (byte*)address;
    }

    private static PlatformNotSupportedException Unsupported(string call, Errno error) =>
        new($"io_uring needs Linux 6.12 and the right to use it, and {call} failed with {error}.");

    /// <summary>Ends every request that is under way.</summary>
    public void Dispose()
    {
        _ = Libc.Close(_descriptor);
        _ = Libc.Unmap(_rings, _ringsBytes);
        _ = Libc.Unmap(_requests, (_requestMask + 1) * (nuint)sizeof(RingRequest));
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct RequestOffsets
    {
        internal uint Head, Tail, Mask, Entries, Flags, Dropped, Array, Reserved;
        internal ulong UserAddress;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct CompletionOffsets
    {
        internal uint Head, Tail, Mask, EntriesCount, Overflow, Entries, Flags, Reserved;
        internal ulong UserAddress;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Parameters
    {
        internal uint RequestEntries, CompletionEntries, Flags, ThreadProcessor, ThreadIdle, Features, WorkQueue;
        internal uint Reserved0, Reserved1, Reserved2;
        internal RequestOffsets RequestOffsets;
        internal CompletionOffsets CompletionOffsets;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct EventsArgument
    {
        internal ulong SignalMask;
        internal uint SignalMaskBytes, MinimumWait;
        internal ulong Time;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct KernelTime
    {
        internal long Seconds, Nanoseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct BufferRegistration
    {
        internal ulong Address;
        internal uint Entries;
        internal ushort Group, Flags;
        internal ulong Reserved0, Reserved1, Reserved2;
    }
}
