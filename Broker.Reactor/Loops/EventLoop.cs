using Broker.Core.Buffers;
using Broker.Core.Counting;
using Broker.Core.Deflate;
using Broker.Core.Framing;
using Broker.Core.Upgrade;

namespace Broker.Reactor.Loops;

/// <summary>
/// One thread's world: a run queue, a clock, a timer wheel, a buffer pool and the connections that live on it. What runs
/// here needs no lock.
/// </summary>
/// <remarks>
/// A turn: wait for readiness, serve what is ready and run what that caused, fire timers, run what other threads posted,
/// then let everything written in the turn leave together.
/// </remarks>
public abstract class EventLoop : IDisposable
{
    [ThreadStatic] private static EventLoop? s_current;

    private readonly LoopWork _work;
    private readonly List<Connection> _dirty = [];
    private readonly Queue<Action> _atTurnEnd = new();      // Of the turn under way.
    private readonly TimeProvider _time;
    private readonly long _start;
    private readonly IConnectionAcceptor _acceptor;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _byteConnections;                         // Of other nodes; they are no clients.
    private bool _draining;
    private bool _stopped;
    private bool _running;
    private volatile bool _ended;

    private protected EventLoop(int number, ReactorSettings settings, IConnectionAcceptor acceptor, TimeProvider time)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Number = number;
        Settings = settings;
        _acceptor = acceptor;
        _time = time;
        _start = time.GetTimestamp();
        _work = new LoopWork(Report);
        Table = new ConnectionTable(number);
        Turn = new Turn(Pool);
    }

    /// <summary>The loop that the calling thread runs; none on other threads.</summary>
    public static EventLoop? Current => s_current;

    /// <summary>The number of the loop in its process, from 0.</summary>
    public int Number { get; }

    /// <summary>The loop's own pool. Only for its thread.</summary>
    public BufferPool Pool { get; } = new();

    /// <summary>What the loop counts.</summary>
    public LoopCounters Counters { get; } = new();

    /// <summary>What the connections of the loop share for compression. Only for its thread.</summary>
    public LoopDeflate Deflate => field ??= new LoopDeflate(Pool);

    /// <summary>Milliseconds since the loop was made, read as a turn begins, wakes and ends.</summary>
    public long NowMilliseconds { get; private set; }

    /// <summary>
    /// Time since <see cref="NowMilliseconds"/> was read, by the clock itself: how old the turn under way is, to a millisecond.
    /// </summary>
    public TimeSpan TurnAge => _time.GetElapsedTime(_start) - TimeSpan.FromMilliseconds(NowMilliseconds);

    /// <summary>Runs on the loop's thread at the end of each turn, before the connections flush.</summary>
    public event Action? TurnEnding;

    /// <summary>An exception that work on the loop let escape. The loop itself goes on.</summary>
    public event Action<Exception>? WorkFailed;

    /// <summary>Connections of clients in every stage, handshaking and lingering ones too.</summary>
    public int Connections => Table.Count - _byteConnections;

    internal TimerWheel Timers { get; } = new();

    /// <summary>Whether it waits for something to do. From any thread.</summary>
    internal bool IsAsleep => _work.IsAsleep;

    /// <summary>What the loop may hold and how long it waits.</summary>
    public ReactorSettings Settings { get; }

    /// <summary>Whether it takes no turn any more. From any thread.</summary>
    internal bool HasEnded => _ended;

    internal ConnectionTable Table { get; }

    internal Turn Turn { get; }

    /// <summary>Room to list what a gathered write gathers.</summary>
    internal (byte[] Array, int Start, int Length)[] Segments { get; } = new (byte[], int, int)[64];

    /// <summary>Runs a callback on the loop's thread, in the order of posting. From any thread; never blocks.</summary>
    public void Post(Action<object> callback, object state)
    {
        if (s_current == this) _work.Add(callback, state);
        else if (_work.Post(callback, state)) Wake();
    }

    /// <summary>Runs until <see cref="Stop"/>.</summary>
    public void Run()
    {
        _running = true;
        while (!_stopped) RunOnce(-1);
        _running = false;
        _ended = true;
        Interlocked.MemoryBarrier();
        _work.RunPosted();
    }

    /// <summary>How long a connection that ends by itself waits for answers that it still owes, unless another time is given.</summary>
    public static TimeSpan SettleLimit { get; } = TimeSpan.FromSeconds(5);

    /// <summary>Accepts no more, and ends every connection: each once what its client has asked is answered. From any thread.</summary>
    /// <param name="settleLimit">How long the answers may take; <see cref="SettleLimit"/> unless given.</param>
    /// <returns>Done when the last connection is gone.</returns>
    public Task DrainAsync(TimeSpan? settleLimit = null)
    {
        TimeSpan limit = settleLimit ?? SettleLimit;
        Post(static drain => ((Action)drain)(), () => Drain(limit));
        return _drained.Task;
    }

    /// <summary>Ends what connections are left, without a Close frame. From any thread.</summary>
    public void Abandon() => Post(static loop => ((EventLoop)loop).AbandonHere(), this);

    /// <summary>Ends the loop after this turn. From any thread.</summary>
    public void Stop() => Post(static loop => ((EventLoop)loop)._stopped = true, this);

    /// <summary>Finds a connection by its id; none once it has ended, even if its slot is taken again.</summary>
    public Connection? Find(ConnectionId id) =>
        id.Loop == Number && Table.TryFind(id.Slot, id.Generation, out Connection? connection) ? connection : null;

    /// <summary>Returns what the loop holds. Only after the loop has ended.</summary>
    public virtual void Dispose()
    {
        AbandonHere();
        Deflate.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>Announces a connection whose opening handshake another server has done.</summary>
    /// <param name="connection">Open already, under an id of <see cref="Table"/>.</param>
    /// <param name="request">What opened it.</param>
    internal void Admit(Connection connection, UpgradeRequest request)
    {
        Table.Add(connection);
        _acceptor.Opened(connection, request);
        if (_draining) CloseForShutdown(connection);
    }

    private void Drain(TimeSpan settleLimit)
    {
        _draining = true;
        StopAccepting();
        for (int slot = 0; slot < Table.SlotsUsed; slot++)
        {
            if (Table[slot] is { IsByteConnection: false } connection)
                AtTurnEnd(() => connection.WhenSettled(() => CloseForShutdown(connection), settleLimit));
        }

        CompleteDrain();
    }

    private static void CloseForShutdown(Connection connection)
    {
        if (!connection.IsOpen)
        {
            connection.Reject();
            return;
        }

        ConnectionEndpoint endpoint = connection.Endpoint!;
        if (!endpoint.ShutdownFrames.IsEmpty) connection.Write(endpoint.ShutdownFrames.Span);
        connection.Close(ClosureCause.Shutdown, endpoint.ShutdownCode, endpoint.ShutdownReason);
    }

    private void CompleteDrain()
    {
        if (_draining && Connections == 0) _drained.TrySetResult();
    }

    private protected void AbandonHere()
    {
        for (int slot = 0; slot < Table.SlotsUsed; slot++) Table[slot]?.Abort(ClosureCause.Shutdown, "The loop stopped.");
    }

    /// <summary>Accepts no connection any more.</summary>
    private protected virtual void StopAccepting()
    {
    }

    /// <summary>A connection has ended: its slot is free.</summary>
    /// <returns>Whether it was in the table.</returns>
    internal bool Remove(Connection connection)
    {
        if (!Table.Remove(connection)) return false;
        if (connection.IsByteConnection) _byteConnections--;
        CompleteDrain();
        return true;
    }

    internal void CountByteConnection() => _byteConnections++;

    internal void Announce(Connection connection, Closure closure)
    {
        if (connection.IsByteConnection) return;    // Its handler has been notified; the acceptor counts clients.
        try
        {
            _acceptor.Ended(connection, closure);
        }
        catch (Exception failure)
        {
            Report(failure);
        }
    }

    /// <summary>One turn.</summary>
    /// <param name="waitMilliseconds">The longest wait for something to do; 0 never blocks, -1 waits for ever.</param>
    public void RunOnce(int waitMilliseconds)
    {
        EventLoop? outer = s_current;
        s_current = this;
        try
        {
            TakeTurn(waitMilliseconds);
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

    private void TakeTurn(int waitMilliseconds)
    {
        NowMilliseconds = ReadClock();
        bool mayWait = waitMilliseconds != 0;
        bool served = !(mayWait && IsReadyToWait && _work.IsEmpty) && Poll(0);
        if (!served && mayWait && _work.IsEmpty) Sleep(waitMilliseconds);

        NowMilliseconds = ReadClock();
        FireTimers();
        _work.RunPosted();
        _work.RunAdded();
        EndTurn();
    }

    private void Sleep(int waitMilliseconds)
    {
        int toTimer = Timers.MillisecondsToNext(NowMilliseconds);
        int wait = toTimer < 0 ? waitMilliseconds : waitMilliseconds < 0 ? toTimer : Math.Min(toTimer, waitMilliseconds);

        Poll(_work.TrySleep() ? wait : 0);
        _work.Rise();
    }

    /// <summary>
    /// Reads the clock after a wait and before anything is served: what that sets a deadline by must not be as old as the wait.
    /// </summary>
    private protected void NoteTime() => NowMilliseconds = ReadClock();

    private protected long ReadClock() => (long)_time.GetElapsedTime(_start).TotalMilliseconds;

    /// <summary>Runs what the loop's own thread posted, so that a message that came in is answered while it is warm.</summary>
    private protected void RunCaused() => _work.RunAdded();

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
        foreach (Action callback in Delegate.EnumerateInvocationList(TurnEnding))
        {
            try
            {
                callback();
            }
            catch (Exception failure)
            {
                Report(failure);
            }
        }

        // What was sent in the turn has been written by now, and so stands before a bye.
        while (_atTurnEnd.TryDequeue(out Action? callback))
        {
            try
            {
                callback();
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
        OnTurnEnded();
    }

    /// <summary>Whether <see cref="Run"/> will take another turn after this one.</summary>
    private protected bool TurnFollows => _running && !_stopped;

    /// <summary>Whether a poll that waits is as cheap as one that does not, so that it need not be asked twice.</summary>
    private protected virtual bool IsReadyToWait => false;

    /// <summary>What the turn wrote has been given to the sockets' backend.</summary>
    private protected virtual void OnTurnEnded()
    {
    }

    /// <summary>Runs something once, behind all that is sent in this turn and before it leaves. For the loop's thread.</summary>
    internal void AtTurnEnd(Action callback) => _atTurnEnd.Enqueue(callback);

    /// <summary>Has a connection flushed when the turn ends.</summary>
    internal void MarkDirty(Connection connection) => _dirty.Add(connection);

    /// <summary>Tells the listeners of <see cref="WorkFailed"/> that something on this loop failed; never throws.</summary>
    public void Report(Exception failure)
    {
        try
        {
            WorkFailed?.Invoke(failure);
        }
        catch (Exception)
        {
            // There is no one left to notify.
        }
    }

    /// <summary>Waits for readiness, notes the time, and serves it.</summary>
    /// <returns>Whether anything was ready.</returns>
    private protected abstract bool Poll(int waitMilliseconds);

    /// <summary>Ends a sleep of the loop. From any thread.</summary>
    private protected abstract void Wake();
}
