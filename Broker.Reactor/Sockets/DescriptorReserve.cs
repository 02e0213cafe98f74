using System.Globalization;
using Broker.Reactor.Sockets.Interop;

namespace Broker.Reactor.Sockets;

/// <summary>
/// Keeps the last free file descriptors of the process for everything that is no client: files, timers, and the pipe that the
/// runtime opens with each new thread. Without one of those the runtime ends the process. A quarter of them, the spares, are for
/// connections that are answered at once and closed: a probe of health, or a client that is told to come back later.
/// </summary>
/// <remarks>
/// The system gives out "the lowest-numbered file descriptor not currently open for the process" (accept(2), dup(2)). So a number
/// in the reserve proves that every number below it is taken, the one that took it: handshakes, WebSockets, connections handed over to
/// another server, files. Nothing is counted. For all threads.
/// </remarks>
public sealed class DescriptorReserve : IDisposable
{
    private const int DescriptorsMin = 64, DescriptorsMax = 256;
    private const int ForStartMin = 64;                 // For assemblies that are loaded with the first clients, and some clients.
    private const int NamedSlack = 8, NamedStep = 16;
    private const int RoomAtEnd = 16;                   // So many are free again before the shortage counts as over.
    private const int ChecksAtEnd = 20;                 // At so many checks in a row: those who waited in the kernel come first.

    private static readonly TimeSpan s_checkInterval = TimeSpan.FromMilliseconds(100);
    private static readonly Lazy<DescriptorReserve> s_ofProcess =
        new(static () => new DescriptorReserve(ReadLimit(), OpenNow(), TimeProvider.System));

    private readonly Lock _gate = new();
    private readonly TimeProvider _time;
    private readonly int _probe;
    private ITimer? _watch;                             // Runs while there is a shortage.
    private int _checksWithRoom;
    private long _shortages;
    private int _spares;                                // Taken by connections of the loops.

    /// <summary>Measures a reserve.</summary>
    /// <param name="limit">How many descriptors the process may have.</param>
    /// <param name="open">The numbers that are open before the first client.</param>
    /// <param name="time">The clock that looks whether a shortage is over.</param>
    internal DescriptorReserve(int limit, IReadOnlySet<int> open, TimeProvider time)
    {
        _time = time;
        Limit = limit;
        Size = Math.Clamp(limit / 16, DescriptorsMin, DescriptorsMax);
        OpenAtStart = open.Count;
        int end = limit;
        for (int found = 0; found < Size && end > 0;)
        {
            if (!open.Contains(--end)) found++;
        }

        ClientsEnd = end;
        _probe = SocketReactor.IsSupported ? Libc.EventCreate(0, Libc.CloseOnExec) : -1;
    }

    /// <summary>The reserve of this process, measured when it is first asked for: before the first client is accepted.</summary>
    public static DescriptorReserve OfProcess => s_ofProcess.Value;

    /// <summary>How many descriptors the process may have (RLIMIT_NOFILE).</summary>
    public int Limit { get; }

    /// <summary>How many of them clients never get.</summary>
    public int Size { get; }

    /// <summary>How many clients may have.</summary>
    public int ClientsMax => Math.Max(1, ClientsEnd - OpenAtStart);

    /// <summary>How many were open when it was measured.</summary>
    internal int OpenAtStart { get; }

    /// <summary>Whether the descriptors for clients are used up.</summary>
    public bool IsShort { get; private set; }

    /// <summary>How often that began.</summary>
    public long Shortages => Volatile.Read(ref _shortages);

    /// <summary>A shortage has begun (true) or is over (false). Raised on any thread, in this order.</summary>
    public event Action<bool>? Changed;

    /// <summary>The first number that no client may keep.</summary>
    internal int ClientsEnd { get; }

    /// <summary>How many of the reserve connections may use for a moment, to be answered and closed.</summary>
    internal int SparesMax => Size / 4;

    /// <summary>Checks that the limit has room for the reserve and the first clients.</summary>
    /// <exception cref="InvalidOperationException">It has not; the message names the limit and what is needed.</exception>
    public void RequireRoom()
    {
        int needed = OpenAtStart + Size + ForStartMin;
        if (Limit >= needed) return;

        // How many are open differs a little from start to start, and what is named has to do.
        int enough = (needed + NamedSlack + NamedStep - 1) / NamedStep * NamedStep;
        throw new InvalidOperationException(
            $"The limit of open files is {Limit}, and {OpenAtStart} are open before the first client: at least {enough} are needed. Raise "
                + $"it (ulimit -n, LimitNOFILE=).");
    }

    /// <summary>Whether an accepted socket has a number of the reserve, so that it may not stay.</summary>
    public bool IsReserved(int descriptor)
    {
        if (descriptor < ClientsEnd) return false;
        BeginShortage();
        return true;
    }

    /// <summary>Moves an accepted socket out of the reserve, if a number below has become free.</summary>
    /// <param name="descriptor">The socket; afterwards its new number, if it has moved.</param>
    internal bool TryMoveOut(ref int descriptor)
    {
        int lowest = Libc.DescriptorControl(descriptor, Libc.DuplicateCloseOnExec, 0);
        if (lowest < 0) return false;
        bool moved = lowest < ClientsEnd;
        _ = Libc.Close(moved ? descriptor : lowest);
        if (moved) descriptor = lowest;
        return moved;
    }

    /// <summary>Takes a place for a connection that is answered at once and closed, if there is one.</summary>
    internal bool TryTakeSpare()
    {
        if (Interlocked.Increment(ref _spares) <= SparesMax) return true;
        Interlocked.Decrement(ref _spares);
        return false;
    }

    /// <summary>Gives it back.</summary>
    internal void ReturnSpare() => Interlocked.Decrement(ref _spares);

    /// <summary>Notes that the system has refused a descriptor.</summary>
    internal void BeginShortage()
    {
        lock (_gate)
        {
            if (IsShort) return;
            IsShort = true;
            _checksWithRoom = 0;
            _shortages++;
            _watch ??= _time.CreateTimer(
                static reserve => ((DescriptorReserve)reserve!).EndShortage(), this, s_checkInterval, s_checkInterval);
        }

        Changed?.Invoke(true);
    }

    // One free number is not the end of it: a log line would follow each client that leaves a full process.
    private void EndShortage()
    {
        lock (_gate)
        {
            _checksWithRoom = IsFree(RoomAtEnd) ? _checksWithRoom + 1 : 0;
            if (!IsShort || _checksWithRoom < ChecksAtEnd) return;
            IsShort = false;
            _watch?.Dispose();
            _watch = null;
        }

        Changed?.Invoke(false);
    }

    // Takes so many of the lowest numbers for a moment.
    private bool IsFree(int count)
    {
        Span<int> taken = stackalloc int[RoomAtEnd];
        int number = 0;
        bool free = true;
        while (number < count && free)
        {
            int descriptor = Libc.DescriptorControl(_probe, Libc.DuplicateCloseOnExec, 0);
            if (descriptor >= 0) taken[number++] = descriptor;
            free = descriptor >= 0 && descriptor < ClientsEnd;
        }

        foreach (int descriptor in taken[..number]) _ = Libc.Close(descriptor);
        return free;
    }

    /// <inheritdoc />
    public void Dispose()
    {
        _watch?.Dispose();
        if (_probe >= 0) _ = Libc.Close(_probe);
    }

    private static int ReadLimit()
    {
        const string Name = "Max open files";
        if (!File.Exists("/proc/self/limits")) return int.MaxValue;
        string? line = File.ReadLines("/proc/self/limits").FirstOrDefault(static line => line.StartsWith(Name, StringComparison.Ordinal));
        string[] words = line?[Name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];
        return words.Length > 0 && int.TryParse(words[0], CultureInfo.InvariantCulture, out int limit) ? limit : int.MaxValue;
    }

    private static HashSet<int> OpenNow() =>
        !Directory.Exists("/proc/self/fd")
            ? []
            : [.. Directory.EnumerateFileSystemEntries("/proc/self/fd")
            .Select(static path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture))];
}
