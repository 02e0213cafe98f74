namespace Broker.Host.Composition;

/// <summary>Starts threads of the runtime while there are file descriptors for them.</summary>
/// <remarks>
/// The runtime opens a pipe with each new thread, and ends the process where it cannot. Clients never get the last descriptors
/// (<see cref="Reactor.Sockets.DescriptorReserve"/>); this leaves those to threads that no one foresees.
/// </remarks>
internal static class RuntimeThreads
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(2);

    /// <summary>Starts the threads that the pool keeps, and the one for timers.</summary>
    internal static void StartEarly()
    {
        ThreadPool.GetMinThreads(out int count, out _);
        using var all = new CountdownEvent(count);
        using var timer = new Timer(static _ => { }, state: null, dueTime: 0, period: Timeout.Infinite);
        for (int i = 0; i < count; i++)
        {
            // Each waits for the others, so that no thread does the work of two.
            ThreadPool.UnsafeQueueUserWorkItem(Meet, all, preferLocal: false);
        }

        all.Wait(s_limit);
    }

    private static void Meet(CountdownEvent all)
    {
        try
        {
            all.Signal();
            all.Wait(s_limit);
        }
        catch (ObjectDisposedException)
        {
            // The pool was slower than the limit.
        }
    }
}
