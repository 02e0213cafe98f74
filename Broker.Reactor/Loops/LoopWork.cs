using System.Collections.Concurrent;

namespace Broker.Reactor.Loops;

/// <summary>What a loop is asked to run: by its own thread, and by others, who wake it if it sleeps.</summary>
/// <param name="report">Called with what work lets escape.</param>
/// <remarks>For the loop's thread, but for <see cref="Post"/> and <see cref="IsAsleep"/>.</remarks>
internal sealed class LoopWork(Action<Exception> report)
{
    private const int WorkPerTurnMax = 4096;

    private readonly ConcurrentQueue<Work> _posted = new();
    private readonly Queue<Work> _queue = new();
    private int _asleep;

    private readonly record struct Work(Action<object> Callback, object State);

    /// <summary>Whether the loop waits for something to do. From any thread.</summary>
    internal bool IsAsleep => Volatile.Read(ref _asleep) == 1;

    internal bool IsEmpty => _queue.Count == 0 && _posted.IsEmpty;

    /// <summary>Adds work of the loop's own thread.</summary>
    internal void Add(Action<object> callback, object state) => _queue.Enqueue(new Work(callback, state));

    /// <summary>Adds work of another thread.</summary>
    /// <returns>Whether the loop has to be woken by the requester.</returns>
    internal bool Post(Action<object> callback, object state)
    {
        _posted.Enqueue(new Work(callback, state));
        Interlocked.MemoryBarrier();

        // Only a sleeping loop is woken, and only by the first who finds it asleep: one wake for a batch.
        return IsAsleep && Interlocked.Exchange(ref _asleep, 0) == 1;
    }

    /// <summary>From now on, the posting thread has to wake the loop.</summary>
    /// <returns>False if someone has posted before, so that it must not sleep.</returns>
    internal bool TrySleep()
    {
        Volatile.Write(ref _asleep, 1);
        Interlocked.MemoryBarrier();
        return _posted.IsEmpty;
    }

    /// <summary>The loop is awake, and looks for what is posted by itself.</summary>
    internal void Rise() => Volatile.Write(ref _asleep, 0);

    /// <summary>Runs what the loop's own thread added.</summary>
    internal void RunAdded()
    {
        for (int budget = WorkPerTurnMax; budget > 0 && _queue.TryDequeue(out Work work); budget--) Run(work);
    }

    /// <summary>Runs what other threads posted.</summary>
    internal void RunPosted()
    {
        for (int budget = WorkPerTurnMax; budget > 0 && _posted.TryDequeue(out Work work); budget--) Run(work);
    }

    private void Run(in Work work)
    {
        try
        {
            work.Callback(work.State);
        }
        catch (Exception failure)
        {
            report(failure);
        }
    }
}
