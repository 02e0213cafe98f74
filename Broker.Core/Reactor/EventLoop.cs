using System.Collections.Concurrent;
using Broker.Core.Buffers;
using Broker.Core.Framing;

namespace Broker.Core.Reactor;

/// <summary>
/// One thread's world: a run queue, a clock, a timer wheel, a buffer pool and the connections that live on it. What runs
/// here needs no lock.
/// </summary>
/// <remarks>
/// A turn: wait for readiness, serve what is ready and run what that caused, fire timers, run what other threads posted,
/// then let everything written in the turn leave together.
/// </remarks>
public abstract class EventLoop
{
    private const int WorkPerTurnMax = 4096;

    [ThreadStatic] private static EventLoop? s_current;

    private readonly ConcurrentQueue<Work> _posted = new();
    private readonly Queue<Work> _queue = new();
    private readonly List<Connection> _dirty = [];
    private readonly TimeProvider _time;
    private readonly long _start;
    private int _asleep;

    private readonly record struct Work(Action<object> Callback, object State);

    private protected EventLoop(int number, TimeProvider time)
    {
        Number = number;
        _time = time;
        _start = time.GetTimestamp();
    }

    /// <summary>The loop that the calling thread runs; none on other threads.</summary>
    public static EventLoop? Current => s_current;

    /// <summary>The number of the loop in its process, from 0.</summary>
    public int Number { get; }

    /// <summary>The loop's own pool. Only for its thread.</summary>
    public BufferPool Pool { get; } = new();

    /// <summary>Milliseconds since the loop was made, read as a turn begins, wakes and ends.</summary>
    public long NowMilliseconds { get; private set; }

    /// <summary>Runs on the loop's thread at the end of each turn, before the connections flush.</summary>
    public event Action? TurnEnding;

    /// <summary>An exception that work on the loop let escape. The loop itself goes on.</summary>
    public event Action<Exception>? WorkFailed;

    internal TimerWheel Timers { get; } = new();

    /// <summary>Whether it waits for something to do. From any thread.</summary>
    internal bool IsAsleep => Volatile.Read(ref _asleep) == 1;

    /// <summary>Runs a callback on the loop's thread, in the order of posting. From any thread; never blocks.</summary>
    public void Post(Action<object> callback, object state)
    {
        if (s_current == this)
        {
            _queue.Enqueue(new Work(callback, state));
            return;
        }

        _posted.Enqueue(new Work(callback, state));
        Interlocked.MemoryBarrier();

        // Only a sleeping loop is woken, and only by the first who finds it asleep: one wake for a batch.
        if (Volatile.Read(ref _asleep) == 1 && Interlocked.Exchange(ref _asleep, 0) == 1) Wake();
    }

    /// <summary>One turn.</summary>
    /// <param name="waitMilliseconds">The longest wait for something to do; 0 never blocks, -1 waits for ever.</param>
    public void RunOnce(int waitMilliseconds)
    {
        EventLoop? outer = s_current;
        s_current = this;
        try
        {
            Turn(waitMilliseconds);
        }
        catch (Exception failure)
        {
            // Each connection and each work item is guarded by itself; whatever gets here must not end the thread.
            Report(failure);
        }
        finally
        {
            s_current = outer;
        }
    }

    private void Turn(int waitMilliseconds)
    {
        NowMilliseconds = ReadClock();
        bool served = Poll(0);
        if (!served && waitMilliseconds != 0 && _queue.Count == 0 && _posted.IsEmpty) Sleep(waitMilliseconds);

        NowMilliseconds = ReadClock();
        FireTimers();
        RunPosted();
        RunQueued();
        EndTurn();
    }

    private void Sleep(int waitMilliseconds)
    {
        int toTimer = Timers.MillisecondsToNext(NowMilliseconds);
        int wait = toTimer < 0 ? waitMilliseconds : waitMilliseconds < 0 ? toTimer : Math.Min(toTimer, waitMilliseconds);

        Volatile.Write(ref _asleep, 1);
        Interlocked.MemoryBarrier();
        Poll(_posted.IsEmpty ? wait : 0);
        Volatile.Write(ref _asleep, 0);
    }

    private protected long ReadClock() => (long)_time.GetElapsedTime(_start).TotalMilliseconds;

    /// <summary>Runs what the loop's own thread queued, so that a message that came in is answered while it is warm.</summary>
    private protected void RunQueued()
    {
        for (int budget = WorkPerTurnMax; budget > 0 && _queue.TryDequeue(out Work work); budget--) Run(work);
    }

    private void RunPosted()
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
            Report(failure);
        }
    }

    private void FireTimers()
    {
        try
        {
            Timers.Advance(NowMilliseconds);
        }
        catch (Exception failure)
        {
            Report(failure);
        }
    }

    private void EndTurn()
    {
        foreach (Action ending in Delegate.EnumerateInvocationList(TurnEnding))
        {
            try
            {
                ending();
            }
            catch (Exception failure)
            {
                Report(failure);
            }
        }

        // A flush may dirty others: an overflow ends a connection, which writes its Close frame.
        for (int i = 0; i < _dirty.Count; i++)
        {
            Connection connection = _dirty[i];
            try
            {
                connection.FlushAtEndOfTurn();
            }
            catch (Exception failure)
            {
                Report(failure);
                connection.Abort(ClosureCause.SessionFailed, failure.Message);
            }
        }

        _dirty.Clear();
    }

    internal void MarkDirty(Connection connection) => _dirty.Add(connection);

    /// <summary>Tells whoever listens to <see cref="WorkFailed"/> that something on this loop failed; never throws.</summary>
    public void Report(Exception failure)
    {
        try
        {
            WorkFailed?.Invoke(failure);
        }
        catch (Exception)
        {
            // Nobody is left to tell.
        }
    }

    /// <summary>The time has passed: to be said after a wait, before what it brought is served.</summary>
    private protected void NoteTime() => NowMilliseconds = ReadClock();

    /// <summary>Waits for readiness, notes the time, and serves it.</summary>
    /// <returns>Whether anything was ready.</returns>
    private protected abstract bool Poll(int waitMilliseconds);

    /// <summary>Ends a sleep of the loop. From any thread.</summary>
    private protected abstract void Wake();
}
